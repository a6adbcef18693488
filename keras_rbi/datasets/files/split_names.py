"""Names by which people call the splits of their data."""

NAMES = {
    "train": ("train", "training", "trn"),
    "validation": ("val", "valid", "validation", "dev", "eval"),
    "test": ("test", "testing", "holdout"),
}
SPLIT_OF_NAME = {name: split for split, names in NAMES.items() for name in names}


def names_of(split: str) -> str:
    """The names of a split, for a message."""
    return ", ".join(NAMES[split])
