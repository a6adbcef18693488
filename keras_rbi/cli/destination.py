"""Whether what a command makes can be written, before it is made."""

from pathlib import Path

from keras_rbi.atomic_write import is_stream, unfinished_folder
from keras_rbi.cli.output import fail


def check_file(path: Path | None, option: str) -> None:
    """Ends the command with one line where a file cannot be written.

    Args:
        path: The file, or `None` for none.
        option: The option that names it.
    """
    if path is None:
        return
    try:
        if is_stream(path):
            return
        if path.is_dir():
            fail(f"{option} is a folder: {str(path)!r}. Name a file, such as one in it.")
        parent = path.resolve().parent
    except OSError as error:
        fail(f"{option} {str(path)!r} cannot be written: {error.strerror}.")
    if not parent.is_dir():
        fail(f"There is no folder {str(parent)!r} to write {option} to.")
    _try(parent, path, option)


def check_folder(path: Path | None, option: str) -> None:
    """Ends the command with one line where a folder cannot be made or written to.

    Args:
        path: The folder, or `None` for none.
        option: The option that names it.
    """
    if path is None:
        return
    there = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    if not there.is_dir():
        fail(f"{option} is to be a folder, and {str(there)!r} is a file. Name another.")
    _try(there, path, option)


def _try(folder: Path, path: Path, option: str) -> None:
    try:
        with unfinished_folder(folder):
            pass
    except OSError as error:
        fail(f"{option} {str(path)!r} cannot be written: {error.strerror}.")
