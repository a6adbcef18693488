"""What a decoder process does: images over standard input, pixels over standard output.

Plain bytes go both ways: a process that a hostile image has taken over can send no more than
pixels or a message.
"""

import contextlib
import os
import signal
import struct
import sys
import warnings
from collections.abc import Iterator
from typing import BinaryIO

# Formats that Pillow would otherwise look for, among fifty, when the first such image comes.
from PIL import Image, TiffImagePlugin, WebPImagePlugin  # noqa: F401

from keras_rbi.serving.images import decode, seconds_to_decode

# Of a question: most seconds that the image may seem to take, seconds of the processor after which
# the process ends, and the lengths of the image's name and file, which follow. Of a reply: its
# kind, and the length of what follows.
QUESTION = struct.Struct(">ddII")
REPLY = struct.Struct(">cI")
COUNTS_PROCESSOR_TIME = hasattr(signal, "setitimer")
READY, PIXELS, REFUSED, TOO_MUCH = b"+", b"p", b"r", b"m"


def run(image_size: int, max_pixels: int, most_bytes: int, niceness: int) -> None:
    """Answers questions until standard input ends, which it does when the service does.

    Args:
        image_size: The side to which images are resized.
        max_pixels: Most pixels of an image.
        most_bytes: Most bytes of memory that the process may take, where the system has such a
            limit.
        niceness: How far it stands back for other processes.
    """
    # Those are for the service, which lets a decoder finish.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    questions, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    warnings.simplefilter("ignore")
    # Pillow's own limit, where it is the lower one.
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, max_pixels)
    _stand_back(most_bytes, niceness)
    _reply(replies, READY, b"")
    # Libraries write what files of others make them say.
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    while len(head := questions.read(QUESTION.size)) == QUESTION.size:
        most_seconds, limit, of_name, of_content = QUESTION.unpack(head)
        name = questions.read(of_name).decode(errors="surrogatepass")
        content = questions.read(of_content)
        with _ended_after(limit):
            answer = _answer(content, name, image_size, max_pixels, most_seconds)
        _reply(replies, *answer)


def _stand_back(most_bytes: int, niceness: int) -> None:
    with contextlib.suppress(AttributeError, OSError):
        os.nice(niceness)
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (most_bytes, most_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextlib.contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """The system ends the process, whatever library is at work; a busy machine costs no time."""
    if not COUNTS_PROCESSOR_TIME:
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _answer(
    content: bytes, name: str, image_size: int, max_pixels: int, most_seconds: float
) -> tuple[bytes, bytes]:
    try:
        if seconds_to_decode(content, name, max_pixels) > most_seconds:
            return TOO_MUCH, b""
        return PIXELS, decode(content, name, image_size).tobytes()
    except ValueError as error:
        return REFUSED, str(error).encode(errors="replace")
    except MemoryError:
        return TOO_MUCH, b""


def _reply(replies: BinaryIO, kind: bytes, content: bytes) -> None:
    replies.write(REPLY.pack(kind, len(content)) + content)
    replies.flush()
