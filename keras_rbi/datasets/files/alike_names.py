"""Names of classes that a reader takes for one."""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence

SHOWN = 5


def alike_names(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Names that differ in case, in how letters are composed, or in what is not seen.

    Args:
        names: Names of classes.

    Returns:
        Those that are alike, together.

    Example:

    >>> from keras_rbi.datasets.files.alike_names import alike_names
    >>> alike_names(["wren", "robin", "Wren", "wren\\u200b"])
    [('wren', 'Wren', 'wren\\u200b')]
    """
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        found[_as_read(name)].append(name)
    return [tuple(some) for some in found.values() if len(some) > 1]


def told_of_alike_names(names: Sequence[str]) -> str:
    """A sentence on them, `""` where there are none; what is not seen is escaped."""
    some = alike_names(names)
    if not some:
        return ""
    shown = "; ".join(" and ".join(map(_shown, each)) for each in some[:SHOWN])
    return (
        f"Names of classes are alike but for case, composed letters or what is not seen: {shown}"
        f"{'; ...' if len(some) > SHOWN else ''}. They are classes of their own: give those that "
        "are one the same name."
    )


def _as_read(name: str) -> str:
    composed = unicodedata.normalize("NFKC", name)
    # Cf: zero-width characters, marks of direction, soft hyphens.
    seen = "".join(letter for letter in composed if unicodedata.category(letter) != "Cf")
    return " ".join(seen.casefold().split())


def _shown(name: str) -> str:
    """The name in quotes, with escapes where others are shown alike."""
    return repr(name) if name.isascii() else ascii(name)
