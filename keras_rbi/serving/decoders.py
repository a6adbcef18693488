"""Decoding in processes, so that no image holds up the others for long."""

import asyncio
import contextlib
import math
import os
from dataclasses import dataclass
from itertools import count

import numpy as np

from keras_rbi.serving.admission import FullError
from keras_rbi.serving.decoder_process import DecoderProcess, TooMuchError
from keras_rbi.serving.limits import Limits

MOST_DECODERS = 8
# What ordinary images take less of, photographs of 12 megapixels among them.
QUICK_SECONDS = 0.2
# When one of them is taken for a slow one. A busy machine takes longer than it seems.
QUICK_LIMIT = 0.5
# Slow images leave the processor to the others.
NICENESS = 10


@dataclass(frozen=True)
class _Image:
    content: bytes
    name: str
    done: asyncio.Future[np.ndarray]


class _Lane:
    """Processes beside each other, and the images that wait for one."""

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
        self._tasks = [asyncio.create_task(self._work(process)) for process in self._processes]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for process in self._processes:
            await process.kill()

    async def decode(self, content: bytes, name: str, weight: float) -> np.ndarray:
        """The lightest first: who sends little does not wait for who sends much."""
        image = _Image(content, name, asyncio.get_running_loop().create_future())
        self._waiting.put_nowait((weight, next(self._order), image))
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
            except (ValueError, TooMuchError, RuntimeError, OSError) as error:
                if not image.done.done():
                    image.done.set_exception(error)
            else:
                if not image.done.done():
                    image.done.set_result(pixels)


class Decoders:
    """Decodes images in processes that a time and a memory limit end.

    Every image goes to a quick process first, which looks at it and decodes it unless it seems to
    take long. Others go on to a slow one, of which there are fewer.

    Args:
        image_size: The side to which images are resized.
        limits: Of images, time and memory.
    """

    def __init__(self, image_size: int, limits: Limits) -> None:
        self._limits = limits
        quick = min(MOST_DECODERS, os.cpu_count() or 1)

        def processes(number: int, niceness: int) -> list[DecoderProcess]:
            arguments = (image_size, limits.max_pixels, limits.decode_bytes, niceness)
            return [DecoderProcess(*arguments) for _ in range(number)]

        quick_ones = processes(quick, 0)
        self._first = quick_ones[0]
        self._quick = _Lane(
            quick_ones,
            QUICK_SECONDS,
            min(QUICK_LIMIT, limits.decode_seconds),
            ahead=True,
        )
        self._slow = _Lane(
            processes(max(1, quick // 4), NICENESS),
            math.inf,
            limits.decode_seconds,
            ahead=False,
        )

    async def start(self) -> None:
        """Starts the processes, and returns when one is there.

        Raises:
            RuntimeError: If it does not start.
        """
        await self._first.start()
        self._quick.start()
        self._slow.start()

    async def stop(self) -> None:
        """Ends them, whatever they are at."""
        await self._quick.stop()
        await self._slow.stop()

    async def decode(self, content: bytes, name: str, number: int = 0) -> np.ndarray:
        """Decodes an image.

        Args:
            content: The bytes of its file.
            name: What to call it in errors.
            number: Which of its request it is: later ones stand back for those of others.

        Returns:
            uint8 array of shape `(image_size, image_size, 3)`.

        Raises:
            ValueError: If it cannot be decoded within the limits, with the reason.
            FullError: If it had to wait too long for a process.
        """
        weight = float(len(content) * (number + 1))
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                try:
                    return await self._quick.decode(content, name, weight)
                except TooMuchError:
                    return await self._slow.decode(content, name, weight)
        except TooMuchError as error:
            raise ValueError(
                f"{name!r} is too costly an image: it takes more than "
                f"{self._limits.decode_seconds:g} seconds or "
                f"{self._limits.decode_bytes / 2**20:g} MiB to decode."
            ) from error
        except TimeoutError as error:
            raise FullError from error
