"""From the images of a batch to its combined features, as one drawing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from keras_rbi.explanations.grad_cam import grad_cam
from keras_rbi.explanations.relation_matrix import across_groups, check_batch
from keras_rbi.figures.image_panels import (
    as_pictures,
    bare,
    draw_overlay,
    draw_relations,
    wrapped,
)
from keras_rbi.models.batch_attention import batch_attention
from keras_rbi.models.head_activation import head_activation
from keras_rbi.models.relational_classifier import RelationalClassifier
from keras_rbi.models.relations import check_attention

# Wider strips of features are drawn by the means of this many neighbours' groups.
STRIP = 64
LONGEST_NAME = 18


def integration_flow(
    model: RelationalClassifier,
    images: Any,
    class_names: Sequence[str] | None = None,
    method: str = "grad_cam",
    layer: Any = None,
    title: str = "",
) -> Figure:
    """Draws how a batch is integrated, from left to right.

    The images; class activation maps of the backbone's features alone; these features N; the
    attention A between the images; the combined features C; class activation maps of the combined
    prediction; and that prediction, with the gate β of eq. 12: 0 where it comes from what attention
    found, 1 where from the image's own residual. All maps are for the class that the
    model predicts in this batch. The images relate to their batch whatever `model.relations` is,
    which is left as it was.

    Args:
        model: A model whose attention is `RRA`, such as an `RBIModel`.
        images: Array `(batch, height, width, channels)` as the model takes it, 0..255: one batch of
            two images or more; 8, as in the paper, are easily read.
        class_names: Names of the classes. Defaults to `None`, those of the model, or numbers.
        method: As in `grad_cam`. Defaults to `"grad_cam"`.
        layer: As in `grad_cam`. Defaults to `None`.
        title: Title of the figure. Defaults to `""`.

    Returns:
        A `matplotlib.figure.Figure`, which no window shows and nothing else keeps.

    Raises:
        ValueError: If the model has no attention to look into, or if there is one image only.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.RBIModel(backbone, num_classes=5, embedding_dim=16)
    >>> images = np.random.randint(0, 256, size=(4, 32, 32, 3)).astype("uint8")
    >>> figure = keras_rbi.figures.integration_flow(model, images)
    >>> [axes.get_title() for axes in figure.axes if axes.get_title()][:2]
    ['images', 'CAM of the\\nbackbone alone']
    """
    check_attention(model)
    check_batch(images)
    with model.use_relations("batch"):
        predictions = np.asarray(model.predict_on_batch(np.asarray(images)))
        classes = predictions.argmax(-1)
        alone, combined = (
            grad_cam(model, images, classes, layer, of, method) for of in ("backbone", "combined")
        )
    attention = batch_attention(model, images)
    names = class_names or model.class_names or [f"class {n}" for n in range(predictions.shape[1])]
    logits = head_activation(model) == "linear"
    answered = [
        wrapped(str(names[number]), LONGEST_NAME)
        + ("\n" if logits else f"\n{100 * row.max():.0f} %, ")
        + f"β = {beta:.2f}"
        for number, row, beta in zip(classes, predictions, attention.beta, strict=True)
    ]

    pictures = as_pictures(images)
    count = len(pictures)
    figure = Figure(figsize=(13.5, 1.0 + 0.78 * max(count, 5)))
    grid = figure.add_gridspec(
        count,
        7,
        width_ratios=(1, 1, 1.6, max(4.6, 0.72 * count), 1.6, 1, 1.7),
        left=0.01,
        right=0.99,
        top=1 - (1.0 if title else 0.7) / figure.get_figheight(),
        bottom=0.3 / figure.get_figheight(),
        wspace=0.28,
        hspace=0.06,
    )
    titles = {
        0: "images",
        1: "CAM of the\nbackbone alone",
        5: "CAM of the\ncombined",
        6: "prediction\nand gate β",
    }
    for row in range(count):
        maps = {0: None, 1: alone[row], 5: combined[row]}
        for column, map_ in maps.items():
            axes = figure.add_subplot(grid[row, column])
            draw_overlay(axes, pictures[row], map_)
            if row == 0:
                axes.set_title(titles[column], fontsize=10)
        axes = figure.add_subplot(grid[row, 6])
        axes.text(0.0, 0.5, answered[row], va="center", fontsize=9)
        bare(axes)
        if row == 0:
            axes.set_title(titles[6], fontsize=10, loc="left")
    _draw_features(figure.add_subplot(grid[:, 2]), attention.features, "backbone's\nfeatures N")
    axes = figure.add_subplot(grid[:, 3])
    draw_relations(axes, across_groups(attention.weights), images, bar=False)
    axes.set_title("RRA: attention A\n(row: source, column: target)", fontsize=10)
    _draw_features(figure.add_subplot(grid[:, 4]), attention.combined, "combined\nfeatures C")
    for column in range(6):
        _draw_arrow(figure, grid[0, column], grid[0, column + 1], grid[count // 2, 0])
    if title:
        figure.suptitle(title, fontsize=12)
    return figure


def _draw_arrow(figure: Figure, left: Any, right: Any, level: Any) -> None:
    """An arrow from one column to the next."""
    begin, end = left.get_position(figure).x1, right.get_position(figure).x0
    height = level.get_position(figure).y1
    figure.add_artist(
        FancyArrowPatch(
            (begin + 0.1 * (end - begin), height),
            (end - 0.1 * (end - begin), height),
            transform=figure.transFigure,
            arrowstyle="-|>",
            mutation_scale=14,
            color="#444444",
        )
    )


def _draw_features(axes: Axes, features: np.ndarray, title: str) -> None:
    """One row for each image, one column for each feature or group of neighbours."""
    strip = strips(features)
    axes.imshow(strip, cmap="cividis", aspect="auto", interpolation="nearest")
    # White lines, as between the images.
    for row in range(1, len(strip)):
        axes.axhline(row - 0.5, color="white", linewidth=4)
    bare(axes)
    width = features.shape[1]
    axes.set_xlabel(f"{width} features", fontsize=8)
    axes.set_title(title, fontsize=10)


def strips(features: np.ndarray) -> np.ndarray:
    """Features as colours: each feature less its mean over the batch, in standard deviations.

    Args:
        features: Array of shape `(batch, features)`.

    Returns:
        Array of shape `(batch, columns)` from -2 to 2: of many features, means of neighbours.
    """
    centred = features - features.mean(0)
    scaled = centred / np.maximum(features.std(0), 1e-6)
    groups = np.array_split(scaled, min(STRIP, features.shape[1]), axis=1)
    means = np.stack([group.mean(1) for group in groups], axis=1)
    return np.clip(means, -2.0, 2.0)
