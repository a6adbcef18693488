"""What the benchmark programs share: times, peak memory, the machine, tables and JSON.

A program describes one call as a `Case` and gives a function `build(case)` that compiles it.
`run` measures every case: its peak memory in a fresh process each, its time next to the other
forms of the same call in one process.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from rich.console import Console
from rich.progress import track
from rich.table import Table

from keras_rbi.evaluation.cost import interleaved_times, peak_bytes, resident_bytes

# Threads of a process that wait for each other by spinning suffer most from other processes.
BUSY_LOAD = 0.5
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "XLA_FLAGS", "TF_NUM_INTRAOP_THREADS")
MIB = 2**20
GIB = 2**30
OURS = "ours"
TINY_BATCH = 2
TINY_IMAGE_SIZE = 64
SECONDS_PER_PEAK = 90.0


@dataclass(frozen=True)
class Case:
    """One call: a form of a layer on one kind of input, forward alone or with its gradient."""

    form: str
    inputs: str
    gradient: bool
    batch: int
    size: int

    @property
    def passes(self) -> str:
        return "forward + backward" if self.gradient else "forward"


Call = Callable[[], Any]
Build = Callable[[Case], Call]


def compiled(
    function: Callable[..., Any], arguments: Sequence[Any], gradients_of: Sequence[int] = ()
) -> Call:
    """A call of `function(*arguments)` compiled as the backend in force compiles.

    It has finished when it returns. With `gradients_of`, positions of arguments, it gives the
    gradients of the sum of squares of the output with respect to those.
    """

    def sum_of_squares(*values: Any) -> Any:
        return ops.sum(ops.square(function(*values)))

    if keras.backend.backend() == "jax":
        import jax

        gradient = jax.grad(sum_of_squares, argnums=tuple(gradients_of))
        program = jax.jit(gradient if gradients_of else function).lower(*arguments).compile()
        return lambda: jax.block_until_ready(program(*arguments))

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        def taped(*values: Any) -> Any:
            watched = [values[position] for position in gradients_of]
            with tf.GradientTape() as tape:
                tape.watch(watched)
                total = sum_of_squares(*values)
            return tape.gradient(total, watched)

        graph = tf.function(taped if gradients_of else function).get_concrete_function(*arguments)
        return lambda: graph(*arguments)

    import torch

    def eager() -> Any:
        if not gradients_of:
            with torch.no_grad():
                return function(*arguments)
        values = [value.detach() for value in arguments]
        watched = [values[position].requires_grad_() for position in gradients_of]
        return torch.autograd.grad(sum_of_squares(*values), watched)

    return eager


def peak_of(call: Call) -> int:
    """As `peak_bytes`, where the system must tell."""
    peak = peak_bytes(call)
    if peak is None:
        sys.exit("This system does not tell the peak of a process's memory. Pass --no-memory.")
    return peak


def peaks_of_case(build: Build, case: Case) -> dict[str, int]:
    """Peak bytes of a case, and those of a tiny one: what a first call costs at any size.

    An earlier tiny call has set up the libraries, and compiling is over when measuring begins.
    """
    tiny = {"batch": TINY_BATCH}
    if case.inputs != "features":
        tiny["size"] = min(TINY_IMAGE_SIZE, case.size)
    build(replace(case, **tiny))()
    floor = peak_of(build(replace(case, **{**tiny, "batch": TINY_BATCH + 1})))
    return {"peak_bytes": peak_of(build(case)), "floor_bytes": floor}


def in_fresh_process(
    command: Sequence[str], limit_bytes: float, seconds: float = SECONDS_PER_PEAK
) -> dict[str, Any]:
    """The JSON that a command prints last, or a note why there is none.

    The process is killed once it holds more than `limit_bytes` or lasts longer than `seconds`.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        list(command), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + seconds
    note = ""
    while not note:
        try:
            output, errors = process.communicate(timeout=0.01)
            break
        except subprocess.TimeoutExpired:
            if resident_bytes("VmRSS", process.pid) > limit_bytes:
                note = f"over {limit_bytes / GIB:g} GiB"
            elif time.monotonic() > deadline:
                note = f"over {seconds:g} s"
    if note:
        process.kill()
        process.communicate()
        return {"note": note}
    if process.returncode != 0:
        lines = errors.strip().splitlines() or [f"exit status {process.returncode}"]
        return {"note": _short_reason(lines)}
    return json.loads(output.strip().splitlines()[-1])


def _short_reason(lines: Sequence[str]) -> str:
    """What went wrong, from the lines of an error."""
    refusals = ("allocat", "out of memory", "resource_exhausted", "resourceexhausted", "oom")
    if any(refusal in line.lower() for line in lines for refusal in refusals):
        return "out of memory"
    return f"failed: {lines[-1][:100]}"


def relative_difference(outputs: Any, reference: Any) -> float:
    """Largest absolute difference between arrays, relative to the largest reference value.

    Of several arrays, such as the gradients of several arguments, the worst one counts.
    """
    pairs = zip(_arrays(outputs), _arrays(reference), strict=True)
    return max(float(np.abs(one - two).max() / np.abs(two).max()) for one, two in pairs)


def _arrays(outputs: Any) -> list[np.ndarray]:
    several = isinstance(outputs, (list, tuple))
    return [ops.convert_to_numpy(output) for output in (outputs if several else [outputs])]


def run(
    program: str,
    build: Build,
    groups: Sequence[Sequence[Case]],
    options: argparse.Namespace,
    alike: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Figures of every case. A group holds the forms of one call, ours first.

    A form that does not fit the memory limit, seen in a process of its own, is not timed. The
    results of the forms in `alike`, by default all, are compared with ours.
    """
    figures: list[dict[str, Any]] = []
    progress = Console(stderr=True)
    options.load_before = round(warn_if_busy(progress), 1)
    for group in track(groups, description=Path(program).name, console=progress, transient=True):
        rows = {case: asdict(case) for case in group}
        if not options.no_memory:
            for case, row in rows.items():
                command = [sys.executable, program, "--peak-of", json.dumps(asdict(case))]
                row.update(in_fresh_process(command, options.memory_limit_gib * GIB))
        _time_group(build, rows, options, alike)
        figures += rows.values()
    return figures


def _time_group(
    build: Build,
    rows: dict[Case, dict[str, Any]],
    options: argparse.Namespace,
    alike: Sequence[str] | None,
) -> None:
    fitting = [case for case, row in rows.items() if "note" not in row]
    calls = {case.form: build(case) for case in fitting}
    # The first call warms up, and its output is compared.
    reference = calls[OURS]() if OURS in calls else None
    for case in fitting:
        output = calls[case.form]()
        if reference is not None and (alike is None or case.form in alike):
            rows[case]["difference_from_ours"] = relative_difference(output, reference)
        del output
    del reference
    times = interleaved_times(calls, options.repeats, options.seconds)
    for case in fitting:
        milliseconds = [1000.0 * seconds for seconds in times[case.form]]
        rows[case] |= {
            "milliseconds": milliseconds,
            "median_ms": statistics.median(milliseconds),
            "min_ms": min(milliseconds),
            "max_ms": max(milliseconds),
        }


def find(figures: Sequence[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    """The one row of figures with these values, or an empty one."""
    for row in figures:
        if all(row[key] == value for key, value in wanted.items()):
            return row
    return {}


def target(text: str, value: float | None, bound: float, at_most: bool, unit: str) -> dict:
    """A target, and whether a measured value meets it; None where nothing was measured."""
    met = None if value is None else (value <= bound if at_most else value >= bound)
    return {
        "target": text,
        "value": value,
        "bound": bound,
        "at_most": at_most,
        "unit": unit,
        "met": met,
    }


def machine() -> dict[str, Any]:
    """Class of the machine: what makes times comparable."""
    models = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / GIB, 1),
        "system": platform.system(),
        "architecture": platform.machine(),
    }


def warn_if_busy(console: Console) -> float:
    """Load average of the machine, with a warning where other programs take its cores."""
    load = os.getloadavg()[0]
    if load > BUSY_LOAD:
        console.print(
            f"Other programs are using this machine (load average {load:.1f}): times vary, and "
            "on PyTorch mean little unless OMP_WAIT_POLICY=PASSIVE or OMP_NUM_THREADS=1 is set."
        )
    return load


def versions() -> dict[str, str]:
    """Versions of Python, Keras, its backend and this package."""
    found = {"python": platform.python_version()}
    for name in ("keras-rbi", "keras", keras.backend.backend(), "numpy"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed as a distribution"
    return found


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options of every program."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--repeats", type=int, default=7, help="rounds of each measurement (default: 7)")
    add(
        "--seconds",
        type=float,
        default=10.0,
        help="do not repeat a form that has taken this long in all (default: 10)",
    )
    add(
        "--memory-limit-gib",
        type=float,
        default=6.0,
        help="most that a process may hold; forms that need more are skipped (default: 6)",
    )
    add("--no-memory", action="store_true", help="times only, and no limit on memory")
    add("--json", type=Path, metavar="FILE", help="write every figure to this file")
    add("--peak-of", help=argparse.SUPPRESS)
    return parser


def report(
    program: str,
    options: argparse.Namespace,
    figures: list[dict[str, Any]],
    targets: list[dict[str, Any]],
    **more: Any,
) -> None:
    """Prints the table and the targets, and writes the JSON that was asked for."""
    here, found = machine(), versions()
    backend = keras.backend.backend()
    console = console_for_tables()
    console.print(
        f"{program} on {backend} {found[backend]}: {here['cores']} cores of {here['cpu']}, "
        f"{here['memory_gib']} GiB"
    )
    console.print(_table(figures))
    floors = [row["floor_bytes"] / MIB for row in figures if "floor_bytes" in row]
    if floors:
        console.print(f"Floor of the peaks: {min(floors):.1f} to {max(floors):.1f} MiB.")
    for one in targets:
        console.print(verdict(one))
    if options.json:
        settings = {key: value for key, value in vars(options).items() if key != "peak_of"}
        settings["json"] = options.json.name
        content = {
            "program": program,
            "backend": backend,
            "machine": here,
            "versions": found,
            "settings": settings,
            "environment": {name: os.environ.get(name) for name in THREAD_VARIABLES},
            "figures": figures,
            "targets": targets,
            **more,
        }
        options.json.write_text(json.dumps(content, indent=2) + "\n")


def console_for_tables() -> Console:
    """Standard output; wide enough for the table where it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else 140)


def _table(figures: Sequence[dict[str, Any]]) -> Table:
    table = Table()
    for name in ("input", "B", "pass", "form"):
        table.add_column(name, no_wrap=True, min_width=3)
    for name in ("ms (min to max)", "/ ours", "peak MiB", "/ ours", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in figures:
        key = {name: row[name] for name in ("inputs", "gradient", "batch")}
        ours = find(figures, form=OURS, **key)
        if row is ours:
            table.add_section()
        passes = "fwd + bwd" if row["gradient"] else "fwd"
        table.add_row(row["inputs"], str(row["batch"]), passes, row["form"], *_cells(row, ours))
    return table


def _cells(row: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    if "note" in row:
        return [f"skipped: {row['note']}", "", "", "", ""]
    return [
        f"{_short(row['median_ms'])} ({_short(row['min_ms'])} to {_short(row['max_ms'])})",
        _ratio(row, ours, "median_ms"),
        f"{row['peak_bytes'] / MIB:.1f}" if "peak_bytes" in row else "",
        _ratio(row, ours, "peak_bytes"),
        "" if row is ours else _difference(row),
    ]


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100.0 else f"{value:.1f}"


def _ratio(row: dict[str, Any], ours: dict[str, Any], key: str) -> str:
    if row is ours or key not in row or not ours.get(key):
        return ""
    return _short(row[key] / ours[key])


def _difference(row: dict[str, Any]) -> str:
    return f"{row['difference_from_ours']:.1e}" if "difference_from_ours" in row else ""


def verdict(one: dict[str, Any]) -> str:
    if one["met"] is None:
        return f"not measured: {one['target']}"
    bound = f"{'at most' if one['at_most'] else 'at least'} {one['bound']:.3g} {one['unit']}"
    verdict = "met" if one["met"] else "MISSED"
    return f"{verdict}: {one['target']}: {one['value']:.3g} {one['unit']}, {bound}"
