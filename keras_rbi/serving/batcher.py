"""Dynamic batching of concurrent requests."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

Predict = Callable[[np.ndarray], Sequence[Any] | np.ndarray]


class Batcher:
    """Collects images until there are enough, or until the first of them has waited long enough.

    While the model is busy, images collect of themselves and form the next batch; only where it is
    idle does an image wait for others. All methods belong to one event loop; the model runs in a
    thread beside it.

    Args:
        predict: Function of images `(batch, ...)` that gives something for each, a row of an array
            or what is in a list, which must depend on its own image alone.
        max_batch: Integer, most images in a batch.
        deadline: Float, seconds for which an image waits for others.
        observe: Function of the size of each batch. Defaults to nothing.
    """

    def __init__(
        self,
        predict: Predict,
        max_batch: int,
        deadline: float,
        observe: Callable[[int], Any] = lambda _: None,
    ) -> None:
        self._predict = predict
        self._max_batch = max_batch
        self._deadline = deadline
        self._observe = observe
        self._waiting: deque[tuple[float, np.ndarray, asyncio.Future[Any]]] = deque()
        self._arrived = asyncio.Event()
        self._stopping = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to predict."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Predicts what is waiting, and ends."""
        self._stopping = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    async def submit(self, images: Sequence[np.ndarray]) -> list[Any]:
        """Predicts images, in batches with those of others.

        Args:
            images: Arrays of the model's shape and dtype.

        Returns:
            A row for each image.

        Raises:
            RuntimeError: If the batcher has been stopped.
            Exception: What the model raises on a batch that one of them is in.
        """
        if self._stopping:
            raise RuntimeError("The batcher has been stopped.")
        loop = asyncio.get_running_loop()
        predictions = [loop.create_future() for _ in images]
        for image, row in zip(images, predictions, strict=True):
            self._waiting.append((loop.time(), image, row))
        self._arrived.set()
        return list(await asyncio.gather(*predictions))

    async def _run(self) -> None:
        while True:
            await self._collect()
            if not self._waiting:
                if self._stopping:
                    return
                continue
            count = min(len(self._waiting), self._max_batch)
            batch = [self._waiting.popleft() for _ in range(count)]
            # Nobody waits for what was cancelled.
            batch = [entry for entry in batch if not entry[2].done()]
            if batch:
                await self._predict_batch(batch)

    async def _collect(self) -> None:
        """Returns when there is a full batch, or one whose time has come, or the end."""
        while not self._stopping and len(self._waiting) < self._max_batch:
            left = None
            if self._waiting:
                left = self._waiting[0][0] + self._deadline - asyncio.get_running_loop().time()
                if left <= 0:
                    return
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), left)
            except TimeoutError:
                return

    async def _predict_batch(
        self, batch: list[tuple[float, np.ndarray, asyncio.Future[Any]]]
    ) -> None:
        self._observe(len(batch))
        images = np.stack([image for _, image, _ in batch])
        try:
            rows = await asyncio.get_running_loop().run_in_executor(
                self._thread, self._predict, images
            )
            if len(rows) != len(batch):
                raise RuntimeError(f"The model gave {len(rows)} rows for {len(batch)} images.")
        except Exception as error:
            for _, _, prediction in batch:
                if not prediction.done():
                    prediction.set_exception(error)
            return
        for (_, _, prediction), row in zip(batch, rows, strict=True):
            if not prediction.done():
                prediction.set_result(row)
