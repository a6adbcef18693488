"""Images with the parts that P2P-Net finds in them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops
from matplotlib.colors import TABLEAU_COLORS
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from keras_rbi.figures.image_panels import as_pictures, draw_overlay, wrapped
from keras_rbi.models.keras_classifier import classifier_of
from keras_rbi.models.relational_classifier import RelationalClassifier

CELL = 1.8
LABEL = 0.6


def plot_parts(
    model: RelationalClassifier, images: Any, names: Sequence[str] | None = None, title: str = ""
) -> Figure:
    """Draws a column for each image: the image with the boxes of its parts, and below it the parts.

    Parts stand in the order that the model puts them in, so that a row is the same part of every
    image, where it has learned to tell them apart.

    Args:
        model: A model that proposes parts, such as a `P2PNet`.
        images: Array as the model takes it, 0..255, in one batch.
        names: A name for each image, with line breaks where wanted. Defaults to `None`, no names.
        title: Title of the figure. Defaults to `""`.

    Returns:
        A `matplotlib.figure.Figure`, which no window shows and nothing else keeps.

    Raises:
        ValueError: If the model proposes no parts.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.models.P2PNet(backbone, num_classes=5, units=16)
    >>> figure = keras_rbi.figures.plot_parts(model, np.zeros((2, 32, 32, 3), "uint8"))
    >>> [axes.get_ylabel() for axes in figure.axes[::2]]
    ['images', 'part 1', 'part 2', 'part 3', 'part 4']
    """
    if not classifier_of(model).proposes_parts:
        raise ValueError(
            "Parts are what a P2PNet proposes. Received: a model that proposes none, of class "
            f"{type(model).__name__}."
        )
    boxes = np.asarray(ops.convert_to_numpy(model.part_boxes(ops.convert_to_tensor(images))))
    pictures = as_pictures(images)
    colours = list(TABLEAU_COLORS)
    figure = Figure(
        figsize=(CELL * len(pictures) + LABEL, CELL * (1 + boxes.shape[1]) + LABEL),
        layout="constrained",
    )
    subplots = figure.subplots(1 + boxes.shape[1], len(pictures), squeeze=False)
    for axes, picture, of_image in zip(subplots[0], pictures, boxes, strict=True):
        draw_overlay(axes, picture)
        for (top, left, bottom, right), colour in zip(of_image, colours, strict=False):
            edge = Rectangle(
                (left - 0.5, top - 0.5), right - left, bottom - top, fill=False, edgecolor=colour
            )
            axes.add_patch(edge)
        axes.set_xlim(-0.5, picture.shape[1] - 0.5)
        axes.set_ylim(picture.shape[0] - 0.5, -0.5)
    for part in range(boxes.shape[1]):
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
