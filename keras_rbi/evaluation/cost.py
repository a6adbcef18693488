"""Timing and peak memory of calls."""

import ctypes
import gc
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PROCESSES = Path("/proc")


def interleaved_times(
    calls: Mapping[str, Callable[[], Any]], repeats: int, seconds: float = float("inf")
) -> dict[str, list[float]]:
    """Seconds of each call, taken in turns: A B C A B C.

    Args:
        calls: Functions that have finished when they return, by name.
        repeats: Integer, times that each is measured.
        seconds: Float; a call that has taken so long in all is not repeated, the others go on.
            Defaults to no limit.

    Returns:
        The seconds of each call, by name.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            if sum(times[name]) >= seconds:
                continue
            begin = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - begin)
    return times


def peak_bytes(call: Callable[[], Any]) -> int | None:
    """Bytes by which the resident memory of the process rises above its level in a call.

    Memory of a GPU does not count. The kernel keeps the highest level, so that no peak is missed.

    Args:
        call: Function that has finished when it returns. What it raises is raised.

    Returns:
        The bytes, or `None` where the system does not tell (it is Linux that does).
    """
    gc.collect()
    if not _forget_peak():
        call()
        return None
    before = resident_bytes("VmRSS")
    output = call()
    peak = resident_bytes("VmHWM")
    del output
    return max(0, peak - before)


def resident_bytes(field: str, process: int | str = "self") -> int:
    """Resident bytes of a process: now (`"VmRSS"`) or at the most (`"VmHWM"`); 0 once it ended."""
    for line in (PROCESSES / str(process) / "status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return 1024 * int(line.split()[1])
    return 0


def _forget_peak() -> bool:
    """Lets the highest level begin anew; `False` where that cannot be done."""
    try:
        # Freed memory goes back to the kernel: a call that reused it would seem to need none.
        ctypes.CDLL(None).malloc_trim(0)
        (PROCESSES / "self" / "clear_refs").write_text("5")
    except (OSError, AttributeError, TypeError):
        return False
    return True
