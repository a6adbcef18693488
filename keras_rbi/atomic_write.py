"""Atomic writes: a file or folder appears at its path whole or not at all."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from keras_rbi.disk_errors import disk_error
from keras_rbi.file_lock import is_at, lock_descriptor

PREFIX = ".unfinished-"
# In an unfinished folder: that all of it is whole, and is being moved; and what it takes away.
READY, FORMER = ".ready", ".former"
# The descriptors of a process, as files.
DESCRIPTORS = re.compile(r"/dev/fd|/proc/(self|thread-self|\d+)/fd")
UNLOCKED = -1


@contextmanager
def atomic_write(path: Path, durable: bool = False) -> Iterator[Path]:
    """A path of the same name to write to, moved to its place when the block ends without error.

    What is written beside it, such as the weights of an OpenVINO model, moves along. What a
    process that was killed has left beside it is finished where it was whole, else removed.

    Args:
        path: The file or folder that is to appear. A file takes the place of a file, a folder that
            of a folder; a link stays, and what it leads to is written; into a device or a pipe is
            written at once.
        durable: Boolean, whether it is on the disk, and not in the memory of the system, before
            it is moved, and the move too: a power cut then takes nothing back. Defaults to
            `False`.

    Yields:
        A path of that name in a hidden folder on the same disk.

    Raises:
        OSError: If it cannot be written, with its path. What was there is there still.
    """
    if is_stream(path):
        yield path
        return
    if path.is_symlink():
        path = path.resolve()
    with _told(path), _parts(path.parent, durable) as folder:
        yield folder / path.name


@contextmanager
def atomic_files(folder: Path) -> Iterator[Path]:
    """A hidden folder, all of whose files are moved into another when the block ends without error.

    Args:
        folder: The folder that is to have the files, which is made if need be. What else is in it
            stays; links and devices are written as `atomic_write` does.

    Yields:
        A folder to write files to.

    Raises:
        OSError: If they cannot be written, with the folder. None of them is there then.
    """
    with _told(folder), _parts(folder, durable=False) as unfinished:
        yield unfinished


def is_stream(path: Path) -> bool:
    """Whether what is written to a path goes somewhere at once: to a device, a pipe, a descriptor.

    Raises:
        OSError: If it is a link to itself.
    """
    link = path
    while link.is_symlink():
        # `/dev/stdout` leads here, and what is behind may be a file that a shell has open.
        if DESCRIPTORS.fullmatch(str(link.absolute().parent)):
            return True
        with suppress(FileNotFoundError):
            link.stat()
        link = link.parent / os.readlink(link)
    return link.exists() and not (link.is_file() or link.is_dir())


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Gives what a disk refuses the path that it is about, not that of something unfinished."""
    try:
        yield
    except Exception as error:
        refusal = disk_error(error)
        if refusal is None and isinstance(error, OSError) and PREFIX in str(error.filename):
            refusal = error
        if refusal is None or (refusal.filename and PREFIX not in str(refusal.filename)):
            raise
        raise OSError(refusal.errno, refusal.strerror, str(path)) from error


@contextmanager
def _parts(target: Path, durable: bool) -> Iterator[Path]:
    """A hidden folder in another, into which all of it is moved at the end."""
    made = [folder for folder in (target / "x").absolute().parents if not folder.exists()]
    try:
        target.mkdir(parents=True, exist_ok=True)
        remove_unfinished(target)
        with unfinished_folder(target) as folder:
            yield folder
            if durable:
                _sync_tree(folder)
            _move_parts(folder, target)
        if durable:
            for one in [target, *(each.parent for each in made)]:
                _sync(one)
    except BaseException:
        with suppress(OSError):
            for one in made:
                one.rmdir()
        raise


def write_atomically(path: Path, write: Callable[[Path], Any], durable: bool = False) -> None:
    """Calls `write` with a path whose content is moved to `path` when it returns."""
    with atomic_write(path, durable) as unfinished:
        write(unfinished)


@contextmanager
def unfinished_folder(parent: Path) -> Iterator[Path]:
    """A hidden folder that is removed at the end, or by `remove_unfinished` after a kill.

    Args:
        parent: The folder to make it in.
    """
    folder, descriptor = _locked_folder(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if descriptor != UNLOCKED:
            os.close(descriptor)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for what is needed for a while; the next one removes those of killed processes."""
    parent = Path(tempfile.gettempdir())
    remove_unfinished(parent)
    with unfinished_folder(parent) as folder:
        yield folder


def remove_unfinished(folder: Path, all_of_it: bool = False) -> None:
    """Removes what writes into a folder have left that were killed.

    Args:
        folder: The folder.
        all_of_it: Boolean, whether no other process can be writing there now. By default what
            another may be at work on is left.
    """
    with suppress(OSError):
        for left in [Path(each) for each in os.scandir(folder) if each.name.startswith(PREFIX)]:
            if not left.is_dir():
                left.unlink()
                continue
            descriptor = _lock(left)
            if descriptor == UNLOCKED and not all_of_it:
                continue
            with suppress(OSError):
                if (left / READY).exists():
                    _move_parts(left, folder)
            shutil.rmtree(left, ignore_errors=True)
            if descriptor != UNLOCKED:
                os.close(descriptor)


def _move_parts(folder: Path, target: Path) -> None:
    """Moves what is in an unfinished folder to its place, all of it even if it is killed."""
    parts = sorted(part for part in folder.iterdir() if not part.name.startswith((READY, FORMER)))
    for part in parts:
        place = target / part.name
        if place.exists() and place.is_dir() != part.is_dir():
            number = errno.EISDIR if place.is_dir() else errno.ENOTDIR
            raise OSError(number, os.strerror(number), str(place))
    if len(parts) > 1 or any(part.is_dir() for part in parts):
        # One file takes one step; of several, `remove_unfinished` takes those that are left.
        (folder / READY).touch()
    for part in parts:
        place = target / part.name
        if place.is_dir():
            os.replace(place, folder / f"{FORMER}-{part.name}")
        if place.is_symlink() or is_stream(place):
            _write_through(part, place)
        else:
            os.replace(part, place)


def _write_through(part: Path, place: Path) -> None:
    """Writes a file to what a link leads to, or into a device."""
    if is_stream(place):
        with part.open("rb") as source, place.open("wb") as stream:
            shutil.copyfileobj(source, stream)
    else:
        write_atomically(place, lambda path: shutil.copyfile(part, path))
    part.unlink()


def _locked_folder(parent: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        descriptor = _lock(folder)
        # Until it was locked, another process may have taken it for one that was left.
        if folder.exists():
            return folder, descriptor


def _lock(folder: Path) -> int:
    """Locks a folder, where the system can; gives what is to be closed."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return UNLOCKED
    try:
        if lock_descriptor(descriptor) and is_at(descriptor, folder):
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return UNLOCKED


def _sync_tree(folder: Path) -> None:
    for root, _, names in os.walk(folder, topdown=False):
        for name in names:
            _sync(Path(root, name))
        _sync(Path(root))


def _sync(path: Path) -> None:
    """Has the system write a file, or the names in a folder, to the disk."""
    is_folder = path.is_dir()
    if is_folder and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems cannot sync folders.
        if not is_folder:
            raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        os.close(descriptor)
