"""The files that a run was trained and tested on: remembered, and compared with those of today."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from keras_rbi.atomic_write import write_atomically

if TYPE_CHECKING:
    from keras_rbi.datasets.image_data import ImageData

EXAMPLES = 3
HEAD = ["split", "path", "label", "bytes"]
# Of a file: its class and its bytes.
Files = dict[str, tuple[str, str]]


def files_of(data: ImageData) -> Files:
    """Class and size of each file of a split, by its path within the data.

    Empty of data that is in no files.
    """
    files = getattr(data, "files", None)
    if files is None:
        return {}
    names = [data.class_names[label] for label in data.labels.tolist()]
    sizes = [_size(path) for path in data.paths]  # type: ignore[attr-defined]
    return dict(zip(files, zip(names, sizes, strict=True), strict=True))


def write_files(path: Path, data: Mapping[str, ImageData]) -> None:
    """Writes a table of the files of each split, compressed; nothing where there are none."""
    rows = [
        (split, file, *described)
        for split, one in data.items()
        for file, described in files_of(one).items()
    ]
    if not rows:
        return
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEAD, *rows])
    content = gzip.compress(text.getvalue().encode("utf-8", "surrogateescape"), mtime=0)
    write_atomically(path, lambda unfinished: unfinished.write_bytes(content))


def read_files(path: Path, split: str) -> Files | None:
    """The files of a split as `write_files` wrote them; `None` of a run that has no table.

    Raises:
        ValueError: If the table is damaged.
    """
    if not path.exists():
        return None
    try:
        text = gzip.decompress(path.read_bytes()).decode("utf-8", "surrogateescape")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        if not rows or rows[0] != HEAD:
            raise ValueError("it is no table of files")
        # Rows of another length raise too.
        return {file: (label, size) for one, file, label, size in rows[1:] if one == split}
    except (OSError, EOFError, zlib.error, ValueError, csv.Error) as error:
        raise ValueError(
            f"{str(path)!r} is damaged: {error}. Bring it back, or take it away to go on without "
            "comparing the files with those that the run was started with."
        ) from error


def differences(before: Files | None, now: Files) -> str:
    """What has changed between the files of a split, in words; nothing where nothing has.

    Args:
        before: The files as they were, or `None` where that is not known.
        now: The files as they are.

    Example:

    >>> from keras_rbi.training.run_files import differences
    >>> differences({"a.jpg": ("wren", "9")}, {"a.jpg": ("owl", "9"), "b.jpg": ("owl", "7")})
    '1 added (b.jpg), 1 with another label (a.jpg)'
    """
    if not before or not now:
        return ""
    both = before.keys() & now.keys()
    changed = {
        "added": now.keys() - before.keys(),
        "gone": before.keys() - now.keys(),
        "with another label": {file for file in both if before[file][0] != now[file][0]},
        "with another content": {file for file in both if before[file][1] != now[file][1]},
    }
    return ", ".join(
        f"{len(files):,} {what} ({', '.join(sorted(files)[:EXAMPLES])}"
        + (", ...)" if len(files) > EXAMPLES else ")")
        for what, files in changed.items()
        if files
    )


def _size(path: Path) -> str:
    try:
        return str(os.stat(path).st_size)
    except OSError:
        return ""
