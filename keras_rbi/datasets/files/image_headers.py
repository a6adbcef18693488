"""Sizes, modes and formats of image files, by their headers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keras_rbi.datasets.files.reading import read_header
from keras_rbi.datasets.files.records import Records

MOST_SIZES = 8


@dataclass(frozen=True)
class Headers:
    """What the headers of image files say.

    Attributes:
        images: Number of files that were looked at.
        smallest: Width and height of the image of the fewest pixels, or `None` where no header
            could be read.
        median: Width and height of the one in the middle.
        largest: Width and height of the one of the most pixels.
        sizes: From `"width x height"` to the number of images, the commonest 8.
        modes: From Pillow's names of kinds of pixels, such as `"RGB"`, to numbers of images.
        formats: From names of formats, such as `"JPEG"`, to numbers of images.
        unreadable: A sentence for each file that is missing or no image.
    """

    images: int
    smallest: tuple[int, int] | None
    median: tuple[int, int] | None
    largest: tuple[int, int] | None
    sizes: dict[str, int]
    modes: dict[str, int]
    formats: dict[str, int]
    unreadable: list[str]


def read_headers(
    records: Records,
    numbers: Sequence[int],
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Headers:
    """Reads the headers of images.

    Args:
        records: The images of all splits.
        numbers: The numbers of those to look at.
        progress: Called with `"headers"`, the number of headers read and of all. Defaults to
            nothing.

    Returns:
        A `Headers`.
    """
    sizes: list[tuple[int, int]] = []
    modes: Counter[str] = Counter()
    formats: Counter[str] = Counter()
    unreadable = []
    for done, number in enumerate(numbers, 1):
        path = records.path(number)
        try:
            content = path if records.content is None else records.content(number)
            header = read_header(content, str(path))
        except ValueError as error:
            unreadable.append(str(error))
        else:
            sizes.append((header.width, header.height))
            modes[header.mode] += 1
            formats[header.format] += 1
        progress("headers", done, len(numbers))
    ordered = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    common = Counter(sizes).most_common(MOST_SIZES)
    return Headers(
        len(numbers),
        ordered[0] if ordered else None,
        ordered[len(ordered) // 2] if ordered else None,
        ordered[-1] if ordered else None,
        {f"{width} x {height}": count for (width, height), count in common},
        dict(modes.most_common()),
        dict(formats.most_common()),
        unreadable,
    )
