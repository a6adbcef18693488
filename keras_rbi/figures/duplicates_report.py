"""Pairs of images that show the same, side by side."""

import base64
import html
import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from keras_rbi.datasets.files.duplicates import Duplicate
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation.leaks import Leaks, image_name
from keras_rbi.figures.contact_sheet import mosaic

SIDE = 128
COLUMNS = 4

REPORT = """<!doctype html>
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


def duplicates_report(leaks: Leaks, most: int) -> str:
    """A self-contained HTML report of pairs of images, side by side.

    Args:
        leaks: What `find_leaks` gives.
        most: Pairs to show at most.

    Returns:
        The HTML, with its images inside.
    """
    rows = "\n".join(
        f"<tr><td>{html.escape(describe(pair))}</td>"
        f"{_cell(leaks.first, pair.first)}{_cell(leaks.second, pair.second)}</tr>"
        for pair in leaks.pairs[:most]
    )
    title, summary = html.escape(leaks.title), html.escape(leaks.summary)
    return REPORT.format(title=title, summary=summary, rows=rows)


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


def _cell(data: ImageData, index: int) -> str:
    picture = io.BytesIO()
    Image.fromarray(_thumbnail(data, index)).save(picture, "PNG")
    content = base64.b64encode(picture.getvalue()).decode()
    text = f"{image_name(data, index)} ({data.class_names[data.labels[index]]})"
    return (
        f'<td><img alt="" width="{SIDE}" height="{SIDE}" src="data:image/png;base64,{content}">'
        f"{html.escape(text)}</td>"
    )


def _thumbnail(data: ImageData, index: int) -> np.ndarray:
    picture = Image.fromarray(data.image(index)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(picture)
