"""Images that wait for processes to decode them."""

import asyncio
import contextlib
from dataclasses import dataclass
from itertools import count

import numpy as np

from keras_rbi.serving.decoder_process import DecoderProcess

# By how much an image stands back for those that come after it: who sends little waits for no one
# who sends much, and who has waited for long is passed no more.
WEIGHT_A_SECOND = 1e6


@dataclass(frozen=True)
class _Image:
    content: bytes
    name: str
    done: asyncio.Future[np.ndarray]


class DecodingLane:
    """Decoder processes beside each other, and the images that wait for one.

    Args:
        processes: The processes.
        most_seconds: Most seconds that an image may seem to take.
        limit: Seconds of a processor after which a process is ended.
        ahead: Whether to start the processes before there are images.
    """

    def __init__(
        self, processes: list[DecoderProcess], most_seconds: float, limit: float, ahead: bool
    ) -> None:
        self._processes = processes
        self._ahead = ahead
        self._most_seconds = most_seconds
        self._limit = limit
        self._waiting: asyncio.PriorityQueue[tuple[float, int, _Image]] = asyncio.PriorityQueue()
        self._order = count()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to decode."""
        self._tasks = [asyncio.create_task(self._work(process)) for process in self._processes]

    async def stop(self) -> None:
        """Ends the processes, whatever they are at."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for process in self._processes:
            await process.kill()

    async def decode(self, content: bytes, name: str, weight: float) -> np.ndarray:
        """Decodes an image when it is the one that is due first.

        Args:
            content: The bytes of its file.
            name: What to call it in errors.
            weight: An image of a million is due a second after it has come.

        Returns:
            As `DecoderProcess.decode`, which tells what is raised too.
        """
        loop = asyncio.get_running_loop()
        image = _Image(content, name, loop.create_future())
        due = loop.time() + weight / WEIGHT_A_SECOND
        self._waiting.put_nowait((due, next(self._order), image))
        return await image.done

    async def _work(self, process: DecoderProcess) -> None:
        while True:
            # Before an image comes, and again after one that was the end of it.
            if self._ahead:
                with contextlib.suppress(RuntimeError, OSError):
                    await process.start()
            _, _, image = await self._waiting.get()
            # Nobody waits for what was cancelled.
            if image.done.done():
                continue
            try:
                pixels = await process.decode(
                    image.content, image.name, self._most_seconds, self._limit
                )
            except Exception as error:
                # Whatever it is, it is that image's, and the next one is waiting.
                if not image.done.done():
                    image.done.set_exception(error)
            else:
                if not image.done.done():
                    image.done.set_result(pixels)
