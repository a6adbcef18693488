"""Image files by the names that tables and exports have for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from keras_rbi.datasets.files.scan_images import scan_images

SHOWN = 3


def is_file(root: Path, name: str) -> bool:
    """Whether there is a file of that name, which may be too long or have a NUL."""
    try:
        return (root / name).is_file()
    except (OSError, ValueError):
        return False


def files_by_end(root: Path) -> dict[str, list[str]]:
    """From every end of an image's path, with its suffix and without, to the files that end so.

    Args:
        root: The folder of the images, whose own path is not part of theirs.
    """
    by_end: dict[str, list[str]] = defaultdict(list)
    for parts in scan_images(root).files:
        file = "/".join(parts)
        for end in {"/".join(parts[start:]) for start in range(len(parts))}:
            by_end[end].append(file)
            by_end[str(PurePosixPath(end).with_suffix(""))].append(file)
    return by_end


def find_each(source: Path, root: Path, names: Sequence[Sequence[str]]) -> list[str]:
    """The file of each image, by the first of its names that a file has.

    Args:
        source: The file that names the images, for errors.
        root: The folder that they are in, or in folders of it.
        names: What the file of each image may be called, the fullest name first: a path, the end
            of one, or either without its suffix.

    Returns:
        A path relative to `root` for each image.

    Raises:
        ValueError: If an image has no file, or a name that several have.
    """
    found = [some[0] if is_file(root, some[0]) else "" for some in names]
    missing = [place for place, file in enumerate(found) if not file]
    if not missing:
        return found
    by_end = files_by_end(root) if root.is_dir() else {}
    several: dict[str, list[str]] = {}
    for place in missing:
        name = next((name for name in names[place] if name in by_end), None)
        if name is not None and len(by_end[name]) == 1:
            found[place] = by_end[name][0]
        elif name is not None:
            several[name] = by_end[name]
    if several:
        shown = "; ".join(
            f"{name!r} ({', '.join(files[:SHOWN])})"
            for name, files in list(several.items())[:SHOWN]
        )
        raise ValueError(
            f"Names in {str(source)!r} stand for several files in {str(root)!r}: {shown}. Keep one "
            "file of each name there."
        )
    missing = [place for place in missing if not found[place]]
    if missing:
        shown = ", ".join(names[place][0] for place in missing[:SHOWN])
        raise ValueError(
            f"{len(missing):,} of {len(names):,} images of {str(source)!r} have no file: {shown}"
            f"{', ...' if len(missing) > SHOWN else '.'} Looked in {str(root)!r} and the folders "
            f"in it, for example for {' or '.join(map(repr, names[missing[0]]))}. Put them there, "
            "or name their folder with --data-dir."
        )
    return found
