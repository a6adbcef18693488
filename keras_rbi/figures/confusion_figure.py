"""A confusion matrix, and images of the pairs that are confused most, drawn."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure

from keras_rbi.evaluation.mistakes import EXAMPLES, ConfusedPair

# More names than this cannot be read along a matrix.
MOST_NAMES = 60


def confusion_figure(
    confusion: np.ndarray,
    class_names: Sequence[str],
    coarse: np.ndarray | None = None,
    coarse_names: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Draws a confusion matrix, with classes of one coarse label side by side.

    Args:
        confusion: Array of shape `(classes, classes)`, counts of images, rows by their class.
        class_names: Names of the classes.
        coarse: The coarse label of each class, shape `(classes,)`, or `None`. Defaults to `None`.
        coarse_names: Names of the coarse labels. Defaults to `None`.
        title: Title of the figure. Defaults to `""`.

    Returns:
        A `matplotlib.figure.Figure`: each row in percent of its class. Lines part coarse labels.
    """
    count = len(confusion)
    order = np.arange(count) if coarse is None else np.argsort(coarse, kind="stable")
    totals = np.maximum(confusion.sum(1, keepdims=True), 1)
    percent = (100.0 * confusion / totals)[np.ix_(order, order)]
    side = float(np.clip(0.22 * count + 3.0, 5.0, 14.0))
    figure = Figure(figsize=(side + 1.0, side), layout="constrained")
    axes = figure.subplots()
    # Told apart by colour-blind readers, and in greys.
    picture = axes.imshow(percent, cmap="cividis", vmin=0.0, vmax=100.0, interpolation="nearest")
    figure.colorbar(picture, label="images of the class (%)", shrink=0.8)
    ends = []
    if coarse is not None:
        ends = [int(end) for end in np.flatnonzero(np.diff(coarse[order])) + 1]
        for end in ends:
            axes.axhline(end - 0.5, color="white", linewidth=0.8)
            axes.axvline(end - 0.5, color="white", linewidth=0.8)
    if count <= MOST_NAMES:
        names = [_plain(class_names[number]) for number in order]
        axes.set_xticks(range(count), names, rotation=90, fontsize=7)
        axes.set_yticks(range(count), names, fontsize=7)
    elif coarse is not None and coarse_names is not None and len(ends) < MOST_NAMES:
        begins = [0, *ends]
        middles = [(one + other - 1) / 2 for one, other in zip(begins, [*ends, count], strict=True)]
        names = [_plain(coarse_names[coarse[order[begin]]]) for begin in begins]
        axes.set_xticks(middles, names, rotation=90, fontsize=7)
        axes.set_yticks(middles, names, fontsize=7)
    by = "" if coarse is None else ", ordered by coarse label"
    axes.set_xlabel(f"the model's prediction{by}")
    axes.set_ylabel(f"class{by}")
    axes.set_title(title, fontsize=10)
    return figure


def confused_figure(
    pairs: Sequence[ConfusedPair],
    image: Callable[[int], np.ndarray],
    title: str = "",
) -> Figure:
    """Draws images of each confused pair in a row.

    Args:
        pairs: As `mistakes` finds them, at least one.
        image: Function of an image's number that gives the image, `(height, width, 3)`, 0..255.
        title: Title of the figure. Defaults to `""`.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    figure = Figure(figsize=(2.6 + 1.1 * EXAMPLES, 1.25 * len(pairs) + 0.6), layout="constrained")
    rows = figure.subplots(len(pairs), EXAMPLES, squeeze=False)
    for pair, places in zip(pairs, rows, strict=True):
        for axes in places:
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
        for number, axes in zip(pair.examples, places, strict=False):
            axes.imshow(np.clip(image(number), 0, 255).astype("uint8"))
        places[0].set_ylabel(
            f"{_plain(pair.name)}\ntaken for\n{_plain(pair.taken_for_name)}\n"
            f"{pair.images} ({100 * pair.share:.0f} %)",
            rotation=0,
            ha="right",
            va="center",
            fontsize=7,
        )
    figure.suptitle(title, fontsize=10)
    return figure


def _plain(name: str) -> str:
    # A dollar would begin a formula.
    return str(name).replace("$", r"\$")
