"""What a shard is kept with of the images that it is a part of, to tell others from these."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

IN_ALL, NAMES, PLACE, FOLDER = "in_all", "names", "place", "folder"


def images_of_shard(folder: Path, names: Iterable[str]) -> dict[str, Any]:
    """How many images a folder has in all, which, and where it is.

    Args:
        folder: The folder.
        names: All its images, relative to it.

    Returns:
        What goes into a file of JSON.

    Example:

    >>> from pathlib import Path
    >>> from keras_rbi.evaluation.shard_images import images_of_shard
    >>> one, other = (images_of_shard(Path("birds"), names) for names in ("ab", "ba"))
    >>> one == other, one["in_all"]
    (True, 2)
    """
    digest = hashlib.sha256()
    in_order = sorted(names)
    for name in in_order:
        # No file is called by a NUL.
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
    return {IN_ALL: len(in_order), NAMES: digest.hexdigest(), PLACE: str(folder.resolve())}


def are_of_one_folder(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two shards are of one folder: as it was, elsewhere, or grown where it is.

    A machine may call the folder otherwise, and files come and go; both at once tell nothing of
    one folder. Shards of earlier versions do not tell, and are taken for parts of any.
    """
    if NAMES not in one or NAMES not in other:
        return True
    return one[NAMES] == other[NAMES] or one[PLACE] == other[PLACE]


def check_one_folder(shards: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuses shards of several folders, and of a folder that changed between them.

    Args:
        shards: From the names of shards to what they are kept with.

    Raises:
        ValueError: With both folders, or both numbers of images.
    """
    known = {name: about for name, about in shards.items() if NAMES in about}
    if not known:
        return
    (first, about), *rest = known.items()
    for name, other in rest:
        if not are_of_one_folder(about, other):
            raise ValueError(
                f"The shards are of several folders: {first} of {about[FOLDER]!r}, "
                f"{about[IN_ALL]:,} images, and {name} of {other[FOLDER]!r}, {other[IN_ALL]:,} "
                "images. Predict those of one folder into an --output of their own."
            )
    for name, other in rest:
        if about[NAMES] != other[NAMES]:
            others = " others" * (about[IN_ALL] == other[IN_ALL])
            raise ValueError(
                f"The folder {about[FOLDER]!r} changed between the shards: it had "
                f"{about[IN_ALL]:,} images for {first} and {other[IN_ALL]:,}{others} for {name}. "
                "Run the shards again: images that are done are kept."
            )
