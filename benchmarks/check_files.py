"""Time and memory of `keras-rbi datasets check` by the number of files.

Makes a folder of class folders with so many small JPEG files, each of its own content, and runs the
command on it in a process of its own. The line through the two largest folders tells what a million
files would take; `--counts 1000000` measures it.
"""

import argparse
import csv
import io
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import measure
from PIL import Image
from rich.console import Console
from rich.table import Table

CLASSES = 1000
MILLION = 1_000_000
TARGET_SECONDS, TARGET_MIB = 60.0, 1024.0
MEASURES = ("seconds", "processor_seconds", "peak_mib")
COLUMNS = ("files", *MEASURES, "measured")
# The command, and the most memory that its process has held, in KiB. (`ru_maxrss` would count what
# this program holds.)
CHILD = """
import re, sys
from keras_rbi_command import main
try:
    main()
except SystemExit as ended:
    code = ended.code
print(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1], file=sys.stderr)
sys.exit(code)
"""


def make_files(folder: Path, count: int, classes: int = CLASSES) -> None:
    """Adds files to a folder until it has so many, evenly in its class folders."""
    for label in range(classes):
        of_class = folder / f"class_{label}"
        of_class.mkdir(parents=True, exist_ok=True)
        content = _picture(label)
        wanted = count // classes + (label < count % classes)
        for number in range(len(os.listdir(of_class)), wanted):
            # After the end of the picture, where nothing is read.
            (of_class / f"img_{number:06}.jpg").write_bytes(content + number.to_bytes(4, "big"))


def _picture(label: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (8, 8), (label % 256, label // 256, 90)).save(content, "JPEG")
    return content.getvalue()


def measure_check(folder: Path, options: Sequence[str] = ()) -> dict[str, float]:
    """Seconds of the command, its start included; those of the processor; and peak MiB.

    Other programs change the processor's less.

    Raises:
        SystemExit: If the command fails.
    """
    arguments = ["datasets", "check", str(folder), "--quiet", "--json", *options]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    begin, before = time.perf_counter(), _processor_seconds()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], env=environment, capture_output=True, text=True
    )
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"The check failed: {done.stdout[-500:]} {done.stderr[-500:]}")
    peak = int(done.stderr.split()[-1]) / 1024
    return dict(zip(MEASURES, (seconds, _processor_seconds() - before, peak), strict=True))


def _processor_seconds() -> float:
    """Of the processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def extrapolated(rows: Sequence[dict[str, float]], files: int) -> dict[str, float]:
    """What so many files would take, on the line through the two largest folders."""
    one, two = rows[-2], rows[-1]
    share = (files - one["files"]) / (two["files"] - one["files"])
    line = {name: one[name] + share * (two[name] - one[name]) for name in MEASURES}
    return {"files": files, **line, "measured": 0}


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    console = Console()
    load = measure.warn_if_busy(Console(stderr=True))
    folder = Path(tempfile.mkdtemp(prefix="check_files-", dir=options.folder))
    rows: list[dict[str, float]] = []
    try:
        for count in sorted(options.counts):
            make_files(folder, count, options.classes)
            rows.append({"files": count, **measure_check(folder, options.option), "measured": 1})
            print(rows[-1], file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(folder)
    if len(rows) > 1 and rows[-1]["files"] < MILLION:
        rows.append(extrapolated(rows, MILLION))
    table = Table(title=f"keras-rbi datasets check, {options.classes:,} classes, load {load:.1f}")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            f"{row['files']:,}",
            f"{row['seconds']:.1f}",
            f"{row['processor_seconds']:.1f}",
            f"{row['peak_mib']:.0f}",
            "yes" if row["measured"] else "no: on the line through the last two",
        )
    console.print(table)
    if rows[-1]["files"] == MILLION:
        for text, name, bound, unit in (
            ("a million files", "seconds", TARGET_SECONDS, "s"),
            ("memory of a million files", "peak_mib", TARGET_MIB, "MiB"),
        ):
            console.print(measure.verdict(measure.target(text, rows[-1][name], bound, True, unit)))
    if options.csv:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    counts = [20_000, 50_000, 100_000, 200_000]
    add("--counts", type=int, nargs="+", default=counts, help=f"files (default: {counts})")
    add("--classes", type=int, default=CLASSES, help=f"class folders (default: {CLASSES})")
    add("--folder", type=Path, help="where to make them (default: the system's temporary folder)")
    add("--option", nargs="*", default=[], help="options of the command, such as --option=--decode")
    add("--csv", type=Path, metavar="FILE", help="write the curve to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
