"""Images beside class activation maps of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from keras_rbi.figures.image_panels import as_pictures, draw_overlay, wrapped

CELL = 1.35
LABEL = 0.6


def plot_cams(
    images: Any,
    maps: Mapping[str, np.ndarray],
    names: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Draws a column for each image: the image, and below it each of its maps over its greys.

    Args:
        images: Array `(batch, height, width, channels)`, 0..255.
        maps: What `grad_cam` gave for these images, by what to call it: such as `"conventional"`,
            `"RBI, backbone alone"` and `"RBI, combined"`, the paper's figures 4 and 6.
        names: A name for each image, with line breaks where wanted. Defaults to `None`, no names.
        title: Title of the figure. Defaults to `""`.

    Returns:
        A `matplotlib.figure.Figure`, which no window shows and nothing else keeps.

    Raises:
        ValueError: If there are not as many maps as images.

    Example:

    >>> images = np.zeros((3, 8, 8, 3), "uint8")
    >>> figure = keras_rbi.figures.plot_cams(images, {"combined": np.zeros((3, 8, 8))})
    >>> [axes.get_ylabel() for axes in figure.axes[::3]]
    ['images', 'combined']
    """
    pictures = as_pictures(images)
    for name, each in maps.items():
        if len(each) != len(pictures):
            raise ValueError(
                f"There must be a map for each image. Received: {len(each)} maps {name!r} of "
                f"{len(pictures)} images."
            )
    rows: dict[str, Any] = {"images": [None] * len(pictures), **maps}
    figure = Figure(
        figsize=(CELL * len(pictures) + LABEL, CELL * len(rows) + 2 * LABEL), layout="constrained"
    )
    subplots = figure.subplots(len(rows), len(pictures), squeeze=False)
    for line, (label, each) in zip(subplots, rows.items(), strict=True):
        for axes, picture, map_ in zip(line, pictures, each, strict=True):
            draw_overlay(axes, picture, map_)
        line[0].set_ylabel(label, fontsize=10)
    for axes, name in zip(subplots[0], names or [""] * len(pictures), strict=True):
        axes.set_title("\n".join(wrapped(part, 20) for part in name.split("\n")), fontsize=8)
    if title:
        figure.suptitle(title, fontsize=12)
    return figure
