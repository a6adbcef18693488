"""Safe extraction of archives."""

import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any

from keras_rbi.atomic_write import remove_unfinished, unfinished_folder
from keras_rbi.datasets.dataset_info import BytesProgress

# Photographs hardly shrink, so what is many times its archive is not what it should be.
LARGEST_RATIO = 4
SMALLEST_LIMIT = 2**30
CHUNK = 2**20
TAR_SUFFIXES = (".tar", ".tgz", ".tar.gz")
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError)
# Name, number of bytes (None for a folder), and the content.
Member = tuple[str, int | None, IO[bytes] | None]


def extract_all(
    files: list[Path],
    target: Path,
    limit: int | None = None,
    progress: BytesProgress = lambda *_: None,
) -> None:
    """Extracts archives into one folder, which is there whole afterwards or not at all.

    Only plain files and folders are made, with the permissions of new files; links, devices and
    names that lead out of the folder are refused.

    Args:
        files: `.tar`, `.tar.gz`, `.tgz` and `.zip` archives; other files are copied.
        target: The folder to make.
        limit: Largest number of bytes that all files may have once extracted. By default four
            times that of the archives, and at least 1 GiB.
        progress: Called with the name of an archive, the bytes that were extracted from it, and
            those of the archive, which are about as many.

    Raises:
        ValueError: If an archive is broken, unsafe or larger than the limit. The folder is then
            not made.
    """
    if limit is None:
        packed = sum(file.stat().st_size for file in files)
        limit = max(LARGEST_RATIO * packed, SMALLEST_LIMIT)
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_unfinished(target.parent)
    with unfinished_folder(target.parent) as folder:
        unfinished = folder / target.name
        unfinished.mkdir()
        left = limit
        for file in files:
            left = _extract(file, unfinished, left, limit, progress)
        try:
            os.rename(unfinished, target)
        except OSError:
            # The other process was first, and its folder is as whole.
            if not target.is_dir():
                raise


def _extract(file: Path, folder: Path, left: int, limit: int, progress: BytesProgress) -> int:
    """Extracts one archive; returns how many of the bytes allowed are left."""
    begin, packed = left, file.stat().st_size
    try:
        for name, size, content in _members(file):
            place = folder / _safe(name, file)
            if size is None or content is None:
                place.mkdir(parents=True, exist_ok=True)
                continue
            left -= size
            if left < 0:
                raise ValueError(
                    f"{str(file)!r} holds more than {limit:,} bytes, which is not what was "
                    "released. Nothing was kept."
                )
            place.parent.mkdir(parents=True, exist_ok=True)
            _write(content, place, size, file)
            progress(file.name, min(begin - left, packed - 1), packed)
        progress(file.name, packed, packed)
    except BROKEN as error:
        raise ValueError(
            f"{str(file)!r} cannot be extracted ({error}). If it was downloaded, take it away and "
            "download it again."
        ) from error
    return left


def _write(content: IO[bytes], place: Path, size: int, file: Path) -> None:
    written = 0
    # A new file always: nothing that an earlier member made is written through.
    with suppress(FileNotFoundError):
        place.unlink()
    with place.open("xb") as target:
        while chunk := content.read(min(CHUNK, size - written + 1)):
            written += len(chunk)
            if written > size:
                break
            target.write(chunk)
    if written != size:
        raise ValueError(
            f"{str(file)!r} is not whole: {place.name!r} has {written:,} bytes or more instead of "
            f"{size:,}."
        )


def _members(file: Path) -> Iterator[Member]:
    name = file.name.lower()
    if name.endswith(".zip"):
        yield from _zip_members(file)
    elif name.endswith(TAR_SUFFIXES):
        yield from _tar_members(file)
    else:
        with file.open("rb") as content:
            yield file.name, file.stat().st_size, content


def _tar_members(file: Path) -> Iterator[Member]:
    # Some archives called .tar.gz are not compressed; the content tells. A stream is read once.
    with tarfile.open(file, "r:*") as archive:
        known: Any = archive
        for member in archive:
            if member.isdir():
                yield member.name, None, None
            elif member.isreg():
                yield member.name, member.size, archive.extractfile(member)
            else:
                raise ValueError(_refusal(file, member.name, "a link or a device"))
            # What is known of millions of members would fill the memory.
            known.members.clear()


def _zip_members(file: Path) -> Iterator[Member]:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            mode = member.external_attr >> 16
            if member.is_dir():
                yield member.filename, None, None
            elif stat.S_IFMT(mode) in (0, stat.S_IFREG):
                with archive.open(member) as content:
                    yield member.filename, member.file_size, content
            else:
                raise ValueError(_refusal(file, member.filename, "a link or a device"))


def _safe(name: str, file: Path) -> PurePosixPath:
    """The name of a member, if it stays in the folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    # A colon names a drive or a stream on Windows.
    if path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name:
        raise ValueError(_refusal(file, name, "a name that leads out of the folder"))
    return path


def _refusal(file: Path, name: str, what: str) -> str:
    return (
        f"{str(file)!r} holds {what}: {name!r}. The released archives hold none, so this is not "
        "one. Nothing was extracted."
    )
