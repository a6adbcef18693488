"""Safe extraction of archives."""

import bz2
import errno
import gzip
import lzma
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any

from keras_rbi.atomic_write import remove_unfinished, unfinished_folder
from keras_rbi.datasets.dataset_info import BytesProgress

# Photographs hardly shrink, so what is many times its archive is not what it should be.
LARGEST_RATIO = 4
SMALLEST_LIMIT = 2**30
# Files and folders: so many, and more for each hundred bytes of the archive.
FEWEST_MEMBERS, BYTES_OF_A_MEMBER = 5_000, 100
# Released sets are five folders deep; names of members may have further headers of their own.
DEEPEST, LONGEST_NAME = 64, 1024
HEADERS, HEADERS_OF_A_MEMBER = 2**20, 4096
CHUNK = 2**20
TAR_SUFFIXES = (".tar", ".tgz", ".tar.gz")
COMPRESSED: dict[bytes, Any] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
ENCRYPTED = 0x1
# Of a name, in an error.
SHOWN = 100
# What is wrong with the disk, and not with the archive.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES}
# Name, number of bytes (None for a folder), and the content.
Member = tuple[str, int | None, IO[bytes] | None]


class ArchiveError(ValueError):
    """An archive that is broken, unsafe, or more than was released."""


def extract_all(
    files: list[Path],
    target: Path,
    limit: int | None = None,
    progress: BytesProgress = lambda *_: None,
) -> None:
    """Extracts archives into one folder, which is there whole afterwards or not at all.

    Only plain files and folders are made, with the permissions of new files; links, devices and
    names that lead out of the folder are refused. So are encrypted files, names that are empty,
    longer than 1,024 characters or more than 64 folders deep, more than 5,000 files and folders
    and one for each hundred bytes of the archive, and headers of more than 1 MiB and 4 KiB for
    each of them.

    Args:
        files: `.tar`, `.tar.gz`, `.tgz` and `.zip` archives; other files are copied.
        target: The folder to make.
        limit: Largest number of bytes that all files may have once extracted. By default four
            times that of the archives, and at least 1 GiB.
        progress: Called with the name of an archive, the bytes that were extracted from it, and
            those of the archive, which are about as many.

    Raises:
        ValueError: If an archive is broken, unsafe or beyond a bound, or if there is no room for
            what it holds. The folder is then not made.
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
    made = _Made(file, folder, FEWEST_MEMBERS + packed // BYTES_OF_A_MEMBER)
    try:
        for name, size, content in _members(file):
            path = _safe(name, file)
            made.count()
            if size is None or content is None:
                made.folder(path)
                continue
            if not path.parts:
                raise ArchiveError(_refusal(file, name, "a file without a name"))
            left -= size
            if left < 0:
                raise ArchiveError(
                    f"{str(file)!r} holds more than {limit:,} bytes, which is not what was "
                    "released. Nothing was kept."
                )
            made.folder(path.parent)
            _write(content, folder / path, size, file)
            progress(file.name, min(begin - left, packed - 1), packed)
        progress(file.name, packed, packed)
    except ArchiveError:
        raise
    except OSError as error:
        if error.errno in NO_ROOM:
            raise ArchiveError(
                f"{str(file)!r} cannot be extracted into {str(folder.parents[1])!r}: "
                f"{error.strerror}. Nothing was kept: mend that, and try again."
            ) from error
        raise ArchiveError(_broken(file, error)) from error
    except Exception as error:
        # Whatever the readers raise on bytes that nobody has checked, it is about these bytes.
        raise ArchiveError(_broken(file, error)) from error
    return left


def _broken(file: Path, error: Exception) -> str:
    reason = str(error)
    if isinstance(error, RecursionError):
        reason = "its headers are nested too deeply"
    elif isinstance(error, OSError) and error.strerror:
        # Which has no name of any length in it.
        reason = error.strerror
    return (
        f"{str(file)!r} cannot be extracted ({reason}). If it was downloaded, take it away and "
        "download it again."
    )


class _Made:
    """Makes folders, and counts them and the members of an archive."""

    def __init__(self, file: Path, root: Path, most: int) -> None:
        self._file, self._root, self._most = file, root, most
        self._number = 0
        self._folders = {PurePosixPath()}

    def count(self) -> None:
        """Counts a member or a folder."""
        self._number += 1
        if self._number > self._most:
            raise ArchiveError(
                f"{str(self._file)!r} holds more than {self._most:,} files and folders, which is "
                "not what was released. Nothing was kept."
            )

    def folder(self, path: PurePosixPath) -> None:
        """Makes a folder with those that it is in."""
        for one in reversed((path, *path.parents)):
            if one not in self._folders:
                self.count()
                (self._root / one).mkdir(exist_ok=True)
                self._folders.add(one)


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
        raise ArchiveError(
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
    with file.open("rb") as plain, _opened(plain) as stream:
        source: Any = _Headers(stream, file)
        # A stream is read once.
        with tarfile.open(fileobj=source, mode="r:") as archive:
            known: Any = archive
            source.expect()
            while (member := archive.next()) is not None:
                if member.isdir():
                    yield member.name, None, None
                elif member.isreg():
                    source.within = False
                    yield member.name, member.size, archive.extractfile(member)
                else:
                    raise ArchiveError(_refusal(file, member.name, "a link or a device"))
                # What is known of millions of members would fill the memory.
                known.members.clear()
                source.expect()
        if source.last.strip(b"\0"):
            # Which `tarfile` takes for the end.
            raise ArchiveError(_broken(file, tarfile.ReadError("a header is damaged")))


def _opened(plain: IO[bytes]) -> Any:
    """The tar file in a file; some called .tar.gz are not compressed, so the content tells."""
    head = plain.read(8)
    plain.seek(0)
    for magic, reader in COMPRESSED.items():
        if head.startswith(magic):
            return reader(plain)
    return nullcontext(plain)


class _Headers:
    """A file that `tarfile` reads, and that gives no more than a bounded number of header bytes.

    A header says itself how long it is, and compresses to nothing.
    """

    def __init__(self, stream: IO[bytes], file: Path) -> None:
        self._stream, self._file = stream, file
        self._left = HEADERS
        self.within = True
        self.last = b""

    def expect(self) -> None:
        """Of what is read from now on, until `within` is false, all is headers."""
        self.within = True
        self._left += HEADERS_OF_A_MEMBER

    def read(self, size: int) -> bytes:
        if not self.within:
            return self._stream.read(size)
        self._left -= size
        if self._left < 0:
            raise ArchiveError(
                f"{str(self._file)!r} holds more than {HEADERS:,} bytes of headers, which is not "
                "what was released. Nothing was kept."
            )
        self.last = self._stream.read(size)
        return self.last

    def seek(self, place: int, whence: int = 0) -> int:
        return self._stream.seek(place, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True


def _zip_members(file: Path) -> Iterator[Member]:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            mode = member.external_attr >> 16
            if member.is_dir():
                yield member.filename, None, None
            elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                raise ArchiveError(_refusal(file, member.filename, "a link or a device"))
            elif member.flag_bits & ENCRYPTED:
                raise ArchiveError(_refusal(file, member.filename, "an encrypted file"))
            else:
                with archive.open(member) as content:
                    yield member.filename, member.file_size, content


def _safe(name: str, file: Path) -> PurePosixPath:
    """The name of a member, if it stays in the folder and is of a usual length."""
    path = PurePosixPath(name.replace("\\", "/"))
    # A colon names a drive or a stream on Windows.
    if path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name:
        raise ArchiveError(_refusal(file, name, "a name that leads out of the folder"))
    if len(path.parts) > DEEPEST:
        raise ArchiveError(_refusal(file, name, f"a name more than {DEEPEST} folders deep"))
    if len(name) > LONGEST_NAME:
        raise ArchiveError(_refusal(file, name, f"a name of {len(name):,} characters"))
    return path


def _refusal(file: Path, name: str, what: str) -> str:
    shown = name if len(name) <= SHOWN else name[:SHOWN] + " ..."
    return (
        f"{str(file)!r} holds {what}: {shown!r}. The released archives hold none, so this is not "
        "one. Nothing was extracted."
    )
