"""Natural order of names: numbers in them by their value, `im2` before `im10`."""

import re

DIGITS = re.compile(r"([0-9]+)")


def natural_key(name: str) -> tuple[object, ...]:
    """What to sort names by.

    Example:

    >>> from keras_rbi.datasets.files.natural_order import natural_key
    >>> sorted(["im10", "im9", "10", "9"], key=natural_key)
    ['9', '10', 'im9', 'im10']
    >>> sorted(["im1", "im"], key=natural_key)
    ['im', 'im1']
    """
    # Numbers by length and digits: Python refuses to make integers of thousands of digits.
    parts = DIGITS.split(name)
    keys = (
        (len(part.lstrip("0")), part.lstrip("0")) if place % 2 else part
        for place, part in enumerate(parts)
    )
    # The name apart, lest it be compared with a number of one that goes on there.
    return (tuple(keys), name)
