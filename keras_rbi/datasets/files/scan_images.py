"""Finding the image files of a folder, by one rule for every command."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from keras_rbi.datasets.files.image_content import (
    HEIC,
    is_image,
    is_unread_kind,
    kind_of,
)
from keras_rbi.datasets.files.natural_order import natural_key

# What systems, archivers and notebooks leave in folders.
SYSTEM_NAMES = frozenset(
    {
        "__MACOSX",
        "Thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "@eaDir",
        "#recycle",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
    }
)
IMAGE_SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".bmp",
        ".gif",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".avif",
    ]
)
HIDDEN, NO_IMAGE, UNREAD, NO_HEIC, BROKEN, CYCLE = (
    "hidden or of the system",
    "no image by their content",
    "images of a format that is not read here (convert them to PNG or JPEG)",
    'HEIC, which needs `pip install "keras-rbi[heic]"`',
    "links that lead nowhere, or special files",
    "links to a folder that they are in",
)
# Formats of images that are not read here, by the suffixes and first bytes of their files.
UNREAD_SUFFIXES = frozenset(
    (".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".tga", ".pcx", ".dds", ".ico", ".icns", ".psd")
)
EXAMPLES = 3


@dataclass
class Scan:
    """What a folder holds.

    Attributes:
        files: The image files, as lists of their folders and name below the folder that was
            scanned, in natural order.
        folders: The folders in it, hidden ones left out, the same way.
        passed_over: By reason, how many files and folders are none of these.
        examples: By reason, the first of them.
        linked: Folders that were entered by a link.
    """

    files: list[tuple[str, ...]] = field(default_factory=list)
    folders: list[tuple[str, ...]] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    linked: list[str] = field(default_factory=list)

    def pass_over(self, reason: str, parts: tuple[str, ...]) -> None:
        """Counts what is not taken."""
        self.passed_over[reason] += 1
        if len(some := self.examples.setdefault(reason, [])) < EXAMPLES:
            some.append("/".join(parts))

    def unread(self) -> list[str]:
        """The sentences on images that were passed over for their format."""
        return [note for note in self.notes() if any(why in note for why in (UNREAD, NO_HEIC))]

    def notes(self) -> list[str]:
        """Sentences on what was passed over or entered, but for hidden files, which all have."""
        told = [
            f"{count:,} passed over as {reason}: {', '.join(self.examples[reason])}"
            + (", ..." if count > EXAMPLES else ".")
            for reason, count in self.passed_over.items()
            if reason != HIDDEN
        ]
        if self.linked:
            told.append(
                f"Linked folders were entered: {', '.join(self.linked[:EXAMPLES])}"
                + (", ..." if len(self.linked) > EXAMPLES else ".")
            )
        return told


def scan_images(folder: Path) -> Scan:
    """Finds the image files in a folder and the folders in it.

    Hidden files and folders, and those of `SYSTEM_NAMES`, are passed over. A file with a suffix of
    images is one; any other is told by its first bytes. Links to folders are followed, but not
    round in circles. No file is looked at that is not asked for by these rules.

    Args:
        folder: The folder.

    Returns:
        A `Scan`.
    """
    found = Scan()
    status = os.stat(folder)
    _scan(folder, (), ((status.st_dev, status.st_ino),), found)
    return found


def _scan(
    folder: Path, parts: tuple[str, ...], above: tuple[tuple[int, int], ...], found: Scan
) -> None:
    with os.scandir(folder) as unsorted:
        # Folder by folder: what millions of files are sorted by does not fit into memory at once.
        entries = sorted(unsorted, key=lambda entry: natural_key(entry.name))
    for entry in entries:
        inner = (*parts, entry.name)
        if entry.name.startswith(".") or entry.name in SYSTEM_NAMES:
            found.pass_over(HIDDEN, inner)
        elif entry.is_dir():
            _scan_folder(entry, inner, above, found)
        elif not entry.is_file():
            found.pass_over(BROKEN, inner)
        elif reason := _why_not(entry):
            found.pass_over(reason, inner)
        else:
            found.files.append(inner)


def _scan_folder(
    entry: os.DirEntry[str],
    parts: tuple[str, ...],
    above: tuple[tuple[int, int], ...],
    found: Scan,
) -> None:
    status = entry.stat()
    identity = (status.st_dev, status.st_ino)
    if entry.is_symlink():
        if identity in above:
            found.pass_over(CYCLE, parts)
            return
        found.linked.append("/".join(parts))
    found.folders.append(parts)
    _scan(Path(entry.path), parts, (*above, identity), found)


def _why_not(entry: os.DirEntry[str]) -> str:
    """Why a file is not taken as an image; nothing where it is."""
    if os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES:
        return ""
    kind = kind_of(Path(entry.path))
    if is_image(kind):
        return ""
    if kind == HEIC:
        return NO_HEIC
    is_unread = os.path.splitext(entry.name)[1].lower() in UNREAD_SUFFIXES
    return UNREAD if is_unread or is_unread_kind(Path(entry.path)) else NO_IMAGE
