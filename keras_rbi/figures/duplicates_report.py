"""Pairs of images that show the same, side by side."""

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from keras_rbi.datasets.files.duplicates import Duplicate
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation.leaks import Leaks, image_name
from keras_rbi.figures.contact_sheet import mosaic
from keras_rbi.figures.html_report import Card, HtmlReport, Picture, Section
from keras_rbi.figures.thumbnail import thumbnail

SIDE = 128
# Pixels of a picture's longest side on the page.
STORED = 208
COLUMNS = 4


def duplicates_report(leaks: Leaks, most: int) -> str:
    """A self-contained HTML report of pairs of images, side by side.

    Args:
        leaks: What `find_leaks` gives.
        most: Pairs to show at most.

    Returns:
        The HTML, with its images inside.
    """
    cards = [
        Card(
            f"{rank}. {describe(pair)}",
            pictures=[_picture(leaks.first, pair.first), _picture(leaks.second, pair.second)],
        )
        for rank, pair in enumerate(leaks.pairs[:most], 1)
    ]
    text = "" if len(leaks.pairs) <= most else f"The first {most:,} of {len(leaks.pairs):,}."
    heading = "Pairs, side by side" if cards else "Nothing to show"
    section = Section("pairs", heading, text, cards=cards)
    return HtmlReport(leaks.title, leaks.summary, [section]).html()


def duplicates_sheet(leaks: Leaks, most: int) -> Figure:
    """Draws pairs, four in a row, with what they have in common.

    Args:
        leaks: What `find_leaks` gives.
        most: Pairs to show at most.

    Returns:
        A `matplotlib.figure.Figure`, which no window shows and nothing else keeps.
    """
    pairs = leaks.pairs[:most]
    rows = max(1, -(-len(pairs) // COLUMNS))
    figure = Figure(figsize=(2.8 * COLUMNS, 1.8 * rows + 0.6), layout="constrained")
    grid = figure.subplots(rows, COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, pair in zip(grid.flat, pairs, strict=False):
        both = [_thumbnail(leaks.first, pair.first), _thumbnail(leaks.second, pair.second)]
        axes.imshow(mosaic(both, 2, SIDE))
        axes.set_title(describe(pair), fontsize=8)
    figure.suptitle(f"{leaks.title}\n{leaks.summary}")
    return figure


def describe(pair: Duplicate) -> str:
    """`26.3 dB, mirrored`."""
    measure = "the same pixels" if pair.exact else f"{pair.decibels:.1f} dB"
    return measure + (", mirrored" if pair.flipped else "")


def _picture(data: ImageData, index: int) -> Picture:
    text = f"{image_name(data, index)} ({data.class_names[data.labels[index]]})"
    return thumbnail(data.image(index), text, STORED, caption=text)


def _thumbnail(data: ImageData, index: int) -> np.ndarray:
    picture = Image.fromarray(data.image(index)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(picture)
