"""Names by which people call the splits of their data."""

from collections.abc import Mapping

NAMES: dict[str, tuple[str, ...]] = {
    "train": ("train", "training", "trn"),
    "validation": ("val", "valid", "validation", "dev", "eval"),
    "test": ("test", "testing", "holdout"),
}
SPLIT_OF_NAME: dict[str, str] = {name: split for split, names in NAMES.items() for name in names}


def source_of_splits(names: Mapping[str, str]) -> str:
    """Where splits are from that folders or files give, and which is taken otherwise than called.

    Args:
        names: From splits to the names of their folders or files.
    """
    told = f"The splits are those of {', '.join(map(repr, names.values()))}."
    test = names.get("test", "")
    if SPLIT_OF_NAME.get(test.lower()) == "validation":
        told += f" {test!r} is what is tested on, since nothing there is called as a test is."
    return told


def names_of(split: str) -> str:
    """The names of a split, for a message."""
    return ", ".join(NAMES[split])
