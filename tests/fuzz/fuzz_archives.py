"""Bytes of any kind as the archive of a data set."""

import shutil
import tempfile
from pathlib import Path

from keras_rbi.datasets.archives.extraction import extract_all

SHARED_MEMORY = Path("/dev/shm")
LIMIT = 2**20


def check(data: bytes) -> None:
    """They are refused in one error and leave nothing, or give plain files in their folder."""
    place = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as name:
        folder = Path(name)
        suffix = "zip" if data.startswith(b"PK") else "tar"
        archive = folder / f"a.{suffix}"
        archive.write_bytes(data)
        target = folder / "within" / "x"
        said = None
        try:
            extract_all([archive], target, LIMIT)
        except ValueError as error:
            said = str(error)
        if said is not None:
            assert archive.name in said
            assert not list(target.parent.iterdir())
        else:
            assert list(target.parent.iterdir()) == [target]
            held = [path for path in target.rglob("*") if not path.is_dir()]
            assert all(path.is_file() and not path.is_symlink() for path in held)
            assert sum(path.stat().st_size for path in held) <= LIMIT
            shutil.rmtree(target)
        assert sorted(path.name for path in folder.iterdir()) == [archive.name, "within"]
