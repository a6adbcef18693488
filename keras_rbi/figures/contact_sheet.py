"""A data set at a glance: images by class, counts, and batches."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_rbi.datasets.image_data import ImageData
from keras_rbi.datasets.observations import images_of_observations

# Okabe and Ito's blue and vermilion, as in the training curves.
BARS, MEAN = "#0072B2", "#D55E00"
WIDTH = 11.0
BARS_WIDTH = 3.6
BATCH_COLUMNS = 16
# More names than this cannot be read beside bars.
NAMED_BARS = 30
LONGEST_NAME = 24
GAP = 3


def mosaic(images: Sequence[np.ndarray | None], columns: int, side: int) -> np.ndarray:
    """Images in rows on white.

    Args:
        images: uint8 arrays of shape `(side, side, 3)`; `None` leaves a place empty.
        columns: Images of a row.
        side: Of the images, in pixels.

    Returns:
        uint8 array of shape `(height, width, 3)`.
    """
    rows = -(-len(images) // columns)
    step = side + GAP
    sheet = np.full((rows * step - GAP, columns * step - GAP, 3), 255, np.uint8)
    for place, image in enumerate(images):
        if image is not None:
            top, left = place // columns * step, place % columns * step
            sheet[top : top + side, left : left + side] = image
    return sheet


def contact_sheet(
    data: ImageData,
    batches: Sequence[Sequence[np.ndarray]] = (),
    classes: int = 10,
    images_per_class: int = 8,
    title: str = "",
) -> Figure:
    """Draws a row of images of each class, how many there are, and batches as a model sees them.

    Args:
        data: The data set.
        batches: Batches `(images, labels)`, such as those of an `ImageSequence`: uint8 images of
            shape `(batch, side, side, 3)`, integers as labels. Defaults to none.
        classes: Largest number of rows. Of more classes, some are taken at even distances.
            Defaults to `10`.
        images_per_class: Largest number of images in a row, taken in the same way. Defaults to
            `8`.
        title: Title of the figure. Defaults to `""`.

    Returns:
        A `matplotlib.figure.Figure`, which no window shows and nothing else keeps.

    Raises:
        ValueError: If there is no image, or if a number is not positive.

    Example:

    >>> data = keras_rbi.datasets.Typefaces("train", per_class=2)
    >>> batches = keras_rbi.datasets.ImageSequence(data, batch_size=8)
    >>> figure = keras_rbi.figures.contact_sheet(data, [batches[0]], classes=3)
    >>> [axes.get_title() for axes in figure.axes]
    ['3 of 22 classes', '44 images', 'batch 1: 8 images of 7 classes']
    """
    if classes < 1 or images_per_class < 1:
        raise ValueError(
            "A sheet needs at least one class and one image of each. Received: "
            f"classes={classes} and images_per_class={images_per_class}."
        )
    if len(data) == 0:
        raise ValueError("The data set is empty: there is no image to show.")
    shown = evenly(np.unique(data.labels), classes)
    cell = (WIDTH - BARS_WIDTH - 1.5) / images_per_class
    heights = [max(cell * len(shown), 2.0)]
    heights += [0.72 * -(-len(images) // BATCH_COLUMNS) for images, *_ in batches]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.5 * len(heights) + 0.5), layout="constrained")
    grid = figure.add_gridspec(
        len(heights), 2, height_ratios=heights, width_ratios=(WIDTH - BARS_WIDTH, BARS_WIDTH)
    )
    _draw_classes(figure.add_subplot(grid[0, 0]), data, shown, images_per_class)
    _draw_counts(figure.add_subplot(grid[0, 1]), data)
    for number, (images, labels, *_) in enumerate(batches, start=1):
        _draw_batch(figure.add_subplot(grid[number, :]), number, images, labels, data)
    if title:
        figure.suptitle(title)
    return figure


def evenly(items: Any, count: int) -> Any:
    """At most so many of a list's or array's items, first and last among them, evenly spaced."""
    if len(items) <= count:
        return items
    numbers = np.linspace(0, len(items) - 1, count).round().astype(int)
    return items[numbers] if isinstance(items, np.ndarray) else [items[n] for n in numbers]


def _draw_classes(axes: Axes, data: ImageData, shown: np.ndarray, columns: int) -> None:
    images: list[np.ndarray | None] = []
    for label in shown:
        members = evenly(_side_by_side(data, np.flatnonzero(data.labels == label)), columns)
        images += [data.image(int(member)) for member in members]
        images += [None] * (columns - len(members))
    side = data.image_size
    axes.imshow(mosaic(images, columns, side))
    _without_frame(axes)
    rows = np.arange(len(shown)) * (side + GAP) + side / 2
    axes.set_yticks(rows, [_numbered(data, int(label)) for label in shown], fontsize=8)
    there = len(np.unique(data.labels))
    axes.set_title(f"{len(shown)} of {there} classes", fontsize=10)


def _side_by_side(data: ImageData, members: np.ndarray) -> np.ndarray:
    """Images of a class, those of one observation one after the other."""
    if data.observations is None:
        return members
    names = [data.observations[number] for number in members.tolist()]
    return members[np.argsort(names, kind="stable")]


def _draw_counts(axes: Axes, data: ImageData) -> None:
    counts = np.bincount(data.labels, minlength=len(data.class_names))
    mean = counts.mean()
    places = np.arange(len(counts))
    if len(counts) <= NAMED_BARS:
        axes.barh(places, counts, color=BARS)
        axes.set_yticks(places, [_numbered(data, int(place)) for place in places], fontsize=7)
        axes.set_ylim(len(counts) - 0.4, -0.6)
    else:
        axes.barh(places, np.sort(counts)[::-1], height=1.0, color=BARS)
        axes.set_ylim(len(counts), -1)
        axes.set_ylabel("classes, the largest first")
    axes.axvline(mean, color=MEAN, linestyle="--")
    axes.set_xlabel(f"images (dashed: mean, {mean:,.1f})")
    axes.grid(axis="x", alpha=0.3)
    axes.set_title(f"{len(data):,} images{_of_observations(data)}", fontsize=10)


def _of_observations(data: ImageData) -> str:
    if data.observations is None:
        return ""
    counts = [len(each) for each in images_of_observations(data.observations, data.labels).values()]
    fewest, most = min(counts), max(counts)
    each = f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
    return f" of {len(counts):,} observations, {each} each"


def _draw_batch(
    axes: Axes, number: int, images: np.ndarray, labels: np.ndarray, data: ImageData
) -> None:
    side = images.shape[1]
    axes.imshow(mosaic(list(images), BATCH_COLUMNS, side))
    for place, label in enumerate(labels):
        row, column = divmod(place, BATCH_COLUMNS)
        axes.text(
            column * (side + GAP) + side * 0.04,
            row * (side + GAP) + side * 0.04,
            str(label),
            fontsize=6,
            va="top",
            color="black",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )
    _without_frame(axes)
    axes.set_yticks([])
    classes = len(np.unique(labels))
    axes.set_title(f"batch {number}: {len(images)} images of {classes} classes", fontsize=10)


def _without_frame(axes: Axes) -> None:
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_anchor("N")


def _numbered(data: ImageData, label: int) -> str:
    """Name and number of a class, by which batches call it."""
    name = data.class_names[label]
    if len(name) > LONGEST_NAME:
        name = name[: LONGEST_NAME - 1] + "…"
    # A dollar would begin a formula.
    return f"{name} ({label})".replace("$", r"\$")
