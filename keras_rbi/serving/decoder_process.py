"""A decoder process, seen from the service."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE

import numpy as np

from keras_rbi.serving.decoder import (
    COUNTS_PROCESSOR_TIME,
    PIXELS,
    QUESTION,
    READY,
    REFUSED,
    REPLY,
)

START_SECONDS = 60.0
MOST_OF_A_MESSAGE = 2**20
# How many times the limit an image may take on the clock, where processor time is what counts:
# on a busy machine, processes that are killed and started again would use up what is left of it.
PATIENCE = 60 if COUNTS_PROCESSOR_TIME else 1


class TooMuchError(Exception):
    """An image that seems to take longer than it may, or took more memory, or time."""


class DecoderProcess:
    """Decodes one image at a time, and is killed where one takes too long.

    Args:
        image_size: The side to which images are resized.
        max_pixels: Most pixels of an image.
        most_bytes: Most bytes of memory that it may take.
        niceness: How far it stands back for other processes.
    """

    def __init__(self, image_size: int, max_pixels: int, most_bytes: int, niceness: int) -> None:
        self._image_size = image_size
        self._arguments = list(map(str, (image_size, max_pixels, most_bytes, niceness)))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Starts the process, unless it runs.

        Raises:
            RuntimeError: If it does not start.
        """
        if self._process is not None:
            return
        # What this process imports from, and not what happens to lie in the working directory.
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", "import keras_rbi_decoder; keras_rbi_decoder.main()"),
            *self._arguments,
            stdin=PIPE,
            stdout=PIPE,
            env=os.environ | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"},
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                kind, _ = await self._reply()
        except (TimeoutError, OSError, EOFError):
            kind = b""
        if kind != READY:
            await self.kill()
            raise RuntimeError("A process that decodes images did not start.")

    async def decode(
        self, content: bytes, name: str, most_seconds: float, seconds: float
    ) -> np.ndarray:
        """Decodes an image.

        Args:
            content: The bytes of its file.
            name: What to call it in errors.
            most_seconds: Most seconds that it may seem to take before it is begun.
            seconds: Seconds of a processor after which the process is ended.

        Returns:
            uint8 array of shape `(image_size, image_size, 3)`.

        Raises:
            ValueError: If it is refused, with the reason.
            TooMuchError: If it would take or took longer, or more memory.
        """
        called = name.encode(errors="surrogatepass")
        await self.start()
        try:
            async with asyncio.timeout(PATIENCE * seconds):
                lengths = len(called), len(content)
                await self._ask(QUESTION.pack(most_seconds, seconds, *lengths), called, content)
                kind, reply = await self._reply()
        except (TimeoutError, OSError, EOFError) as error:
            # The system has killed it, or it has to be.
            await self.kill()
            raise TooMuchError from error
        except asyncio.CancelledError:
            await self.kill()
            raise
        if kind == REFUSED:
            raise ValueError(reply.decode(errors="replace"))
        shape = (self._image_size, self._image_size, 3)
        if kind != PIXELS or len(reply) != np.prod(shape):
            raise TooMuchError
        return np.frombuffer(reply, np.uint8).reshape(shape)

    async def kill(self) -> None:
        """Ends the process at once; the next image starts another."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()

    async def _ask(self, *parts: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.writelines(parts)
        await self._process.stdin.drain()

    async def _reply(self) -> tuple[bytes, bytes]:
        assert self._process is not None
        replies = self._process.stdout
        assert replies is not None
        kind, length = REPLY.unpack(await replies.readexactly(REPLY.size))
        if length > max(MOST_OF_A_MESSAGE, 3 * self._image_size**2):
            raise EOFError
        return kind, await replies.readexactly(length)
