"""Corrections that people make on the page, kept as a table that `keras-rbi train` reads."""

import csv
import hashlib
import threading
from pathlib import Path

from keras_rbi.atomic_write import write_atomically
from keras_rbi.disk_errors import disk_error
from keras_rbi.evaluation.spreadsheet import spreadsheet_cell

TABLE, IMAGES = "corrections.csv", "images"
HEAD = ["path", "label", "given", "name"]
MEND = "Another program has saved it: take it out of the folder, or bring it back as it was."
MOST_BYTES = 2 * 2**30
# By what the files begin with; WebP has a size between its two marks.
SUFFIXES = (
    (b"\xff\xd8", ".jpg"),
    (b"\x89PNG", ".png"),
    (b"RIFF", ".webp"),
    (b"BM", ".bmp"),
    (b"GIF8", ".gif"),
    (b"II", ".tif"),
    (b"MM", ".tif"),
)


class NoRoomError(Exception):
    """No more corrections can be kept: there is no room, or the table is another by now."""


class KeptCorrections:
    """A folder of photographs and the table of what they show.

    Args:
        folder: The folder, which is made when there is something to keep.
        most_bytes: Most bytes of photographs in it; whoever can reach the service can fill it.

    Raises:
        ValueError: If there is a table in it that others have changed into another one.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self.table: Path = folder / TABLE
        self._most = most_bytes
        self._one_at_a_time = threading.Lock()
        self._rows()

    def keep(self, content: bytes, label: str, given: str, name: str) -> str:
        """Keeps a photograph and the class that somebody says it shows.

        Args:
            content: The bytes of its file.
            label: The class.
            given: What the model took it for; may be empty.
            name: What the photograph was called.

        Returns:
            Its path within the folder.

        Raises:
            NoRoomError: If the folder is full, or its table has become another one.
        """
        suffix = next((end for begin, end in SUFFIXES if content.startswith(begin)), ".img")
        path = f"{IMAGES}/{hashlib.sha256(content).hexdigest()[:24]}{suffix}"
        with self._one_at_a_time:
            try:
                self._write(path, content, [path, label, given, _cell(name)])
            except OSError as error:
                if disk_error(error) is None:
                    raise
                raise NoRoomError(str(error)) from error
            except ValueError as error:
                raise NoRoomError(str(error)) from error
        return path

    def _write(self, path: str, content: bytes, row: list[str]) -> None:
        images = self.folder / IMAGES
        images.mkdir(parents=True, exist_ok=True)
        taken = sum(file.stat().st_size for file in images.iterdir())
        if taken + len(content) > self._most:
            raise NoRoomError(f"The folder holds {self._most / 2**30:g} GiB already.")
        rows = self._rows()
        write_atomically(self.folder / path, lambda file: file.write_bytes(content))
        # The last word on a photograph counts.
        rows = [each for each in rows if each[:1] != row[:1]] + [row]

        def write(unfinished: Path) -> None:
            with unfinished.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows([HEAD, *rows])

        write_atomically(self.table, write)

    def _rows(self) -> list[list[str]]:
        if not self.table.is_file():
            return []
        try:
            # Spreadsheets put a mark before the first line.
            with self.table.open(newline="", encoding="utf-8-sig") as file:
                head, *rows = [row for row in csv.reader(file) if row] or [[]]
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{str(self.table)!r} cannot be read ({error}). {MEND}") from error
        if head != HEAD or any(len(row) != len(HEAD) for row in rows):
            raise ValueError(
                f"{str(self.table)!r} is not the table of {', '.join(HEAD)}, with commas between "
                f"them, that was written there. {MEND}"
            )
        return rows


def _cell(name: str) -> str:
    """A file's name as a table and a spreadsheet can have it."""
    return spreadsheet_cell(name.encode("utf-8", "replace").decode("utf-8").split("/")[-1])
