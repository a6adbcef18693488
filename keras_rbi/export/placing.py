"""Exports appear at their place whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def check_place(path: Path, suffix: str) -> None:
    """Raises a `ValueError` where an export cannot go or would take the place of something else."""
    if path.suffix != suffix and suffix:
        raise ValueError(f"The file's name must end with {suffix!r}. Received: {str(path)!r}.")
    if suffix and path.is_dir():
        raise ValueError(f"{str(path)!r} is a folder. Name a file.")
    replaceable = not path.exists() or (path / "saved_model.pb").is_file()
    if not suffix and not replaceable and not (path.is_dir() and not any(path.iterdir())):
        raise ValueError(
            f"{str(path)!r} exists and is no SavedModel. Take it away or name another folder."
        )


@contextmanager
def placed_when_done(path: Path) -> Iterator[Path]:
    """A path of that name in a folder beside it, whose content is moved when all has gone well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=path.parent))
    try:
        yield folder / path.name
        for part in sorted(folder.iterdir()):
            place = path.with_name(part.name)
            if place.is_dir():
                shutil.rmtree(place)
            os.replace(part, place)
    finally:
        shutil.rmtree(folder)
