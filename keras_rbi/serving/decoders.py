"""Decoding in processes, so that no image holds up the others for long."""

import asyncio
import math
import os

import numpy as np

from keras_rbi.serving.admission import FullError
from keras_rbi.serving.decoder_process import DecoderProcess, TooMuchError
from keras_rbi.serving.decoding_lane import DecodingLane
from keras_rbi.serving.limits import Limits

MOST_DECODERS = 8
# What ordinary images take less of, photographs of 12 megapixels among them.
QUICK_SECONDS = 0.2
# When one of them is taken for a slow one.
QUICK_LIMIT = 0.5
# Slow images leave the processor to the others.
NICENESS = 5


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
        self._quick = DecodingLane(
            quick_ones,
            QUICK_SECONDS,
            min(QUICK_LIMIT, limits.decode_seconds),
            ahead=True,
        )
        self._slow = DecodingLane(
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
                f"{self._limits.decode_seconds:g} s of a processor or "
                f"{self._limits.decode_bytes / 2**20:g} MiB to decode."
            ) from error
        except TimeoutError as error:
            raise FullError from error
