"""What a model costs to run: time for an image, and memory."""

import ctypes
import gc
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


def interleaved_seconds(calls: Sequence[Callable[[], Any]], repeats: int) -> list[float]:
    """Median seconds of each call, taken in turns, A B A B, after one call of each to warm up.

    Args:
        calls: Functions that have finished when they return.
        repeats: Integer, times that each is measured.

    Returns:
        Seconds of each.
    """
    for call in calls:
        call()
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, seconds in zip(calls, times, strict=True):
            begin = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - begin)
    return [statistics.median(seconds) for seconds in times]


def peak_bytes(call: Callable[[], Any]) -> int | None:
    """Bytes by which the resident memory of the process rises above its level in a call.

    Memory of a GPU does not count. The kernel keeps the highest level, so that no peak is missed.

    Returns:
        The bytes, or `None` where the system does not tell (it is Linux that does).
    """
    gc.collect()
    try:
        # Freed memory goes back to the kernel: a call that reused it would seem to need none.
        ctypes.CDLL(None).malloc_trim(0)
        CLEAR.write_text("5")
        before = _resident("VmRSS")
        call()
        return max(0, _resident("VmHWM") - before)
    except (OSError, AttributeError, TypeError, StopIteration):
        return None


def _resident(field: str) -> int:
    lines = STATUS.read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(f"{field}:")).split()[1])
