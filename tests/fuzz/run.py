"""Searches for bytes that break a reader, guided by what of it they reach.

    python tests/fuzz/run.py images -max_total_time=600

Further options are libFuzzer's. What it finds it writes into the folder it is run in: mend the
reader, and put the bytes into the target's folder of `corpus`, which the tests go through.
"""

import importlib
import sys
import tempfile
from pathlib import Path

import atheris

HERE = Path(__file__).parent
# What reads bytes, in Python.
READERS = [
    *("keras_rbi", "PIL", "tarfile", "zipfile", "gzip", "csv", "json", "pickletools"),
    *("starlette", "python_multipart", "base64"),
]
# Seconds and MiB that one execution may take.
BOUNDS = ["-timeout=20", "-rss_limit_mb=2048"]


def main() -> None:
    _, name, *options = sys.argv
    with atheris.instrument_imports(include=READERS):
        target = importlib.import_module(f"fuzz_{name}")
        # Imports what waits until it is needed.
        target.check(b"")
    # New inputs go into the first folder.
    folders = [tempfile.mkdtemp(), str(HERE / "corpus" / name)]
    atheris.Setup([sys.argv[0], *folders, *BOUNDS, *options], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
