"""Image files that are the same, byte by byte."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from keras_rbi.datasets.files.records import Records

DIGEST_SIZE = 16
CHUNK = 2**20


def equal_files(
    records: Records, progress: Callable[[str, int, int], None] = lambda *_: None
) -> list[list[int]]:
    """Finds the images whose files have the same content, whatever they are called.

    Only files of the same size are read. Copies that were changed, by another compression for
    example, are for `find_duplicates`.

    Args:
        records: The images of all splits.
        progress: Called with `"equal files"`, the number of files read and of all that are to be.
            Defaults to nothing.

    Returns:
        A list of the images' numbers for each content that several have. Files that cannot be
        read are in none.
    """
    same_size = [group for group in _by_size(records).values() if len(group) > 1]
    total = sum(map(len, same_size))
    done = 0
    found = []
    for group in same_size:
        by_digest: dict[bytes, list[int]] = defaultdict(list)
        for number in group:
            if (digest := _digest(records, number)) is not None:
                by_digest[digest].append(number)
            done += 1
            progress("equal files", done, total)
        found += [equal for equal in by_digest.values() if len(equal) > 1]
    return sorted(found)


def _by_size(records: Records) -> dict[int, list[int]]:
    by_size: dict[int, list[int]] = defaultdict(list)
    for number in range(len(records.files)):
        try:
            size = _size(records, number)
        except (OSError, ValueError):
            continue
        if size:
            by_size[size].append(number)
    return by_size


def _size(records: Records, number: int) -> int:
    """Bytes of a file; 0 of what is none, such as a pipe, from which a read may never end."""
    if records.content is not None:
        return len(records.content(number))
    status = os.stat(records.path(number))
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _digest(records: Records, number: int) -> bytes | None:
    digest = hashlib.blake2b(digest_size=DIGEST_SIZE)
    try:
        if records.content is not None:
            digest.update(records.content(number))
        else:
            _update(digest, records.path(number))
    except (OSError, ValueError):
        return None
    return digest.digest()


def _update(digest: hashlib.blake2b, path: Path) -> None:
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
