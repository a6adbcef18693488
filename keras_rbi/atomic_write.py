"""Atomic writes: a file or folder appears at its path whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PREFIX = ".unfinished-"


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A path of the same name to write to, moved to its place when the block ends without error.

    What is written beside it, such as the weights of an OpenVINO model, moves along.

    Args:
        path: The file or folder that is to appear. A folder that exists is replaced; a link stays,
            and what it leads to is written; into a device or a pipe is written at once.

    Yields:
        A path of that name in a hidden folder on the same disk.
    """
    if path.is_symlink():
        path = path.resolve()
    if path.exists() and not (path.is_file() or path.is_dir()):
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=path.parent))
    try:
        yield folder / path.name
        for part in sorted(folder.iterdir()):
            place = path.with_name(part.name)
            if place.is_dir():
                shutil.rmtree(place)
            os.replace(part, place)
    finally:
        shutil.rmtree(folder)


def remove_unfinished(folder: Path) -> None:
    """Removes what writes into a folder have left that were killed."""
    for left in folder.glob(f"{PREFIX}*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Calls `write` with a path whose content is moved to `path` when it returns."""
    with atomic_write(path) as unfinished:
        write(unfinished)
