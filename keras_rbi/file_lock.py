"""A lock that dies with the process that holds it, and tells others who that is."""

import errno
import json
import os
import platform
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

HOST = platform.node() or "this machine"
# Where a file system knows no locks, the process that the file names is asked after.
UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EBADF}
# On Windows a locked byte cannot be read: one behind all that the file holds.
LOCKED_BYTE = 2**20
FIELDS = ("pid", "host", "since")
# The open files of the locks that this process holds, by path and thread.
_held: dict[tuple[str, int], int] = {}


class LockedError(ValueError):
    """Another process, or another thread of this one, holds the lock."""


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Holds a lock for as long as the context lasts; a thread may enter it several times.

    The system frees it when the process ends, however it ends. The file names the process, its
    host and since when it holds the lock, and is removed afterwards, with folders that were made
    for it and are empty still.

    Args:
        path: The file to lock.
        what: What is locked, the beginning of a sentence.

    Raises:
        LockedError: If it is held by another, with who that is.

    Example:

    >>> import tempfile
    >>> from pathlib import Path
    >>> from keras_rbi.file_lock import locked
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "lock"
    ...     with locked(file, "The folder"):
    ...         held = file.exists()
    ...     (held, file.exists())
    (True, False)
    """
    key = (os.path.realpath(path), threading.get_ident())
    if key in _held:
        yield
        return
    made = [folder for folder in path.absolute().parents if not folder.exists()]
    descriptor = -1
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _acquire(path, what)
        _held[key] = descriptor
        yield
    finally:
        _held.pop(key, None)
        if descriptor >= 0:
            _release(descriptor, path)
        with suppress(OSError):
            for folder in made:
                folder.rmdir()


def runs(process: int) -> bool:
    """Whether a process of this machine runs; True where that cannot be told."""
    # On other systems the signal 0 is none that only asks.
    if os.name != "posix" or process <= 0:
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def lock_descriptor(descriptor: int) -> bool:
    """Locks an open file or folder for this process; returns False where another has it.

    Raises:
        OSError: If the file system knows no locks.
    """
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            return False
        raise
    return True


def is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file or folder is the one at a path still."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _acquire(path: Path, what: str) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            try:
                free = lock_descriptor(descriptor)
            except OSError as error:
                if error.errno not in UNSUPPORTED:
                    raise
                free = not _names_another(path)
            if not free:
                raise LockedError(_told(path, what))
            # Whoever had it may have removed the file since it was opened.
            if is_at(descriptor, path):
                _sign(descriptor, path)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _sign(descriptor: int, path: Path) -> None:
    holder = {"pid": os.getpid(), "host": HOST, "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    try:
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, json.dumps(holder).encode())
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from error


def _release(descriptor: int, path: Path) -> None:
    if os.name == "posix":
        # While it is locked: whoever opens it now sees that it is gone.
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)
    else:
        os.close(descriptor)
        with suppress(OSError):
            path.unlink()


def _holder(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _names_another(path: Path) -> bool:
    """Whether the file names a process that may run, other than this one."""
    holder = _holder(path)
    process, host = holder.get("pid"), holder.get("host")
    if not isinstance(process, int):
        return False
    return host != HOST or (process != os.getpid() and runs(process))


def _told(path: Path, what: str) -> str:
    holder = {**dict.fromkeys(FIELDS), **_holder(path)}
    who = "another process"
    if holder["pid"] is not None:
        who = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    if (holder["pid"], holder["host"]) == (os.getpid(), HOST):
        who = f"another thread of this process ({holder['pid']}) since {holder['since']}"
    return f"{what} is being worked on by {who}. Wait for it to end, or stop it."


def _forget() -> None:
    """In a child process: the lock is its parent's, and ends with that."""
    for descriptor in _held.values():
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
