"""Pairs of images that show the same, side by side."""

import base64
import html
import io
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from keras_rbi.datasets.files.duplicates import Duplicate
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.figures.contact_sheet import mosaic

SIDE = 128
COLUMNS = 4
# Names an image of a data set, given the data and the image's number.
Name = Callable[[ImageData, int], str]

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font-family: sans-serif; margin: 2em; }}
td {{ padding: 0.4em 1.2em 0.4em 0; vertical-align: top; }}
img {{ display: block; }}
</style>
<h1>{title}</h1>
<p>{summary}</p>
<table>
{rows}
</table>
</html>
"""


def duplicates_html(
    pairs: Sequence[Duplicate], a: ImageData, b: ImageData, name: Name, title: str, summary: str
) -> str:
    """A page that holds its images itself.

    Args:
        pairs: What `find_duplicates` gives.
        a: The first data.
        b: The second data.
        name: Function of a data set and the number of an image that returns what to call it.
        title: Title of the page.
        summary: What to say above the pairs.

    Returns:
        The HTML.
    """
    rows = "\n".join(
        f"<tr><td>{html.escape(describe(pair))}</td>"
        f"{_cell(a, pair.first, name)}{_cell(b, pair.second, name)}</tr>"
        for pair in pairs
    )
    return PAGE.format(title=html.escape(title), summary=html.escape(summary), rows=rows)


def duplicates_sheet(pairs: Sequence[Duplicate], a: ImageData, b: ImageData, title: str) -> Figure:
    """Draws pairs, four in a row, with what they have in common.

    Args:
        pairs: What `find_duplicates` gives.
        a: The first data.
        b: The second data.
        title: Title of the figure.

    Returns:
        A `matplotlib.figure.Figure`, which no window shows and nothing else keeps.
    """
    rows = max(1, -(-len(pairs) // COLUMNS))
    figure = Figure(figsize=(2.8 * COLUMNS, 1.8 * rows + 0.6), layout="constrained")
    grid = figure.subplots(rows, COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, pair in zip(grid.flat, pairs, strict=False):
        both = [_thumbnail(a, pair.first), _thumbnail(b, pair.second)]
        axes.imshow(mosaic(both, 2, SIDE))
        axes.set_title(describe(pair), fontsize=8)
    figure.suptitle(title)
    return figure


def describe(pair: Duplicate) -> str:
    """`26.3 dB, mirrored`."""
    measure = "the same pixels" if pair.exact else f"{pair.decibels:.1f} dB"
    return measure + (", mirrored" if pair.flipped else "")


def _cell(data: ImageData, index: int, name: Name) -> str:
    picture = io.BytesIO()
    Image.fromarray(_thumbnail(data, index)).save(picture, "PNG")
    content = base64.b64encode(picture.getvalue()).decode()
    text = f"{name(data, index)} ({data.class_names[data.labels[index]]})"
    return (
        f'<td><img alt="" width="{SIDE}" height="{SIDE}" src="data:image/png;base64,{content}">'
        f"{html.escape(text)}</td>"
    )


def _thumbnail(data: ImageData, index: int) -> np.ndarray:
    picture = Image.fromarray(data.image(index)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(picture)
