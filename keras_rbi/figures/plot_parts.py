"""Images with the parts that P2P-Net finds in them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops
from matplotlib.colors import TABLEAU_COLORS
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from keras_rbi.figures.image_panels import as_pictures, draw_overlay, wrapped
from keras_rbi.models.p2p_net.p2p_net import P2PNet

CELL = 1.8
LABEL = 0.6


def plot_parts(
    model: P2PNet, images: Any, names: Sequence[str] | None = None, title: str = ""
) -> Figure:
    """Draws a column for each image: the image with the boxes of its parts, and below it the parts.

    Parts stand in the order that the model puts them in, so that a row is the same part of every
    image, where it has learned to tell them apart.

    Args:
        model: A `P2PNet`.
        images: Array as the model takes it, 0..255, in one batch.
        names: A name for each image, with line breaks where wanted. Defaults to `None`, no names.
        title: Title of the figure. Defaults to `""`.

    Returns:
        A `matplotlib.figure.Figure`, which no window shows and nothing else keeps.

    Raises:
        ValueError: If the model is no `P2PNet`.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.models.P2PNet(backbone, num_classes=5, units=16)
    >>> figure = keras_rbi.figures.plot_parts(model, np.zeros((2, 32, 32, 3), "uint8"))
    >>> [axes.get_ylabel() for axes in figure.axes[::2]]
    ['images', 'part 1', 'part 2', 'part 3', 'part 4']
    """
    if not isinstance(model, P2PNet):
        raise ValueError(
            f"Parts are what a P2PNet finds. Received: {model!r} of class {type(model).__name__}."
        )
    outputs = model.outputs_of(ops.convert_to_tensor(images), training=False)
    boxes, order = (np.asarray(ops.convert_to_numpy(outputs[key])) for key in ("boxes", "order"))
    boxes = np.take_along_axis(boxes, order[..., None], axis=1)
    pictures = as_pictures(images)
    colours = list(TABLEAU_COLORS)
    figure = Figure(
        figsize=(CELL * len(pictures) + LABEL, CELL * (1 + model.num_parts) + LABEL),
        layout="constrained",
    )
    subplots = figure.subplots(1 + model.num_parts, len(pictures), squeeze=False)
    for axes, picture, of_image in zip(subplots[0], pictures, boxes, strict=True):
        draw_overlay(axes, picture)
        for (top, left, bottom, right), colour in zip(of_image, colours, strict=False):
            edge = Rectangle(
                (left - 0.5, top - 0.5), right - left, bottom - top, fill=False, edgecolor=colour
            )
            axes.add_patch(edge)
        axes.set_xlim(-0.5, picture.shape[1] - 0.5)
        axes.set_ylim(picture.shape[0] - 0.5, -0.5)
    for part in range(model.num_parts):
        line = subplots[1 + part]
        for axes, picture, of_image in zip(line, pictures, boxes, strict=True):
            draw_overlay(axes, _cut(picture, of_image[part]))
            axes.spines[:].set_visible(True)
            axes.spines[:].set_color(colours[part])
        line[0].set_ylabel(f"part {part + 1}", fontsize=10)
    subplots[0, 0].set_ylabel("images", fontsize=10)
    for axes, name in zip(subplots[0], names or [""] * len(pictures), strict=True):
        axes.set_title("\n".join(wrapped(line, 20) for line in name.split("\n")), fontsize=8)
    if title:
        figure.suptitle(title, fontsize=12)
    return figure


def _cut(picture: np.ndarray, box: np.ndarray) -> np.ndarray:
    """What a box shows, with grey beyond the image."""
    top, left, bottom, right = box
    height, width, _ = picture.shape
    part = np.full((bottom - top, right - left, 3), 128, "uint8")
    rows = slice(max(top, 0), min(bottom, height))
    columns = slice(max(left, 0), min(right, width))
    seen = picture[rows, columns]
    part[rows.start - top :, columns.start - left :][: seen.shape[0], : seen.shape[1]] = seen
    return part
