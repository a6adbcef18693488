"""The influence of other samples of the batch as a figure."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_rbi.explanations.influence import Influence
from keras_rbi.figures.image_panels import (
    FIRST,
    SECOND,
    as_pictures,
    bare,
    draw_overlay,
    plain,
)


def plot_influence(
    influence: Influence,
    images: Any,
    class_names: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Draws the target, the sources that moved its score most, and the share of all.

    Above, the target and those sources, with the pixels that the effect comes from; below, for each
    image of the batch, its attention weight in the target and its effect on the target's score.

    Args:
        influence: What `keras_rbi.explanations.influence` gives.
        images: The same images, 0..255.
        class_names: Names of the model's classes. Defaults to `None`, numbers.
        title: Title of the figure. Defaults to `""`.

    Returns:
        A `matplotlib.figure.Figure`, which no window shows and nothing else keeps.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.RBIModel(backbone, num_classes=5, embedding_dim=16)
    >>> images = np.random.randint(0, 256, size=(4, 32, 32, 3)).astype("uint8")
    >>> found = keras_rbi.explanations.influence(model, images, target=1, top=2)
    >>> figure = keras_rbi.figures.plot_influence(found, images)
    >>> figure.axes[0].get_title()
    'target: image 1'
    """
    pictures = as_pictures(images)
    name = (
        f"class {influence.class_number}"
        if class_names is None
        else plain(class_names[influence.class_number])
    )
    shown = len(influence.sources) + 1
    figure = Figure(figsize=(max(9.0, 2.2 * shown), 7.2), layout="constrained")
    halves = figure.add_gridspec(2, 1, height_ratios=(1.25, 1))
    above, below = (figure.add_subfigure(halves[row]) for row in range(2))
    panels = above.subplots(2, shown, squeeze=False)
    headings = [f"target: image {influence.target}"]
    headings += [
        f"image {source}: {influence.effects[source]:+.2g}"
        for source in map(int, influence.sources)
    ]
    order = [influence.target, *map(int, influence.sources)]
    maps = [influence.target_map, *influence.maps]
    for column, (number, map_, heading) in enumerate(zip(order, maps, headings, strict=True)):
        draw_overlay(panels[0, column], pictures[number])
        draw_overlay(panels[1, column], pictures[number], map_)
        panels[0, column].set_title(heading, fontsize=10)
    panels[1, 0].set_xlabel("speaks for the class", fontsize=9)
    for column, direction in enumerate(influence.directions, start=1):
        label = f"speaks {'for' if direction > 0 else 'against'} the class"
        panels[1, column].set_xlabel(label, fontsize=9)
    above.suptitle(
        title
        or f"Score of image {influence.target} for {name}: {influence.score:.2f} in this batch, "
        f"{influence.score_alone:.2f} alone",
        fontsize=11,
    )
    left, right = below.subplots(1, 2)
    colours = np.where(np.arange(len(pictures)) == influence.target, SECOND, FIRST)
    _draw_bars(left, influence.attention, colours, pictures)
    left.set_title("attention in the target (orange: itself)", fontsize=10)
    left.set_ylabel("weight A[:, target]")
    _draw_bars(right, np.nan_to_num(influence.effects), colours, pictures)
    right.set_title("effect on the target's score", fontsize=10)
    right.set_ylabel("score with all, less without it")
    return figure


def _draw_bars(axes: Axes, values: np.ndarray, colours: np.ndarray, pictures: np.ndarray) -> None:
    """Bars with the images in a row under them."""
    count = len(values)
    axes.bar(np.arange(count), values, color=list(colours), width=0.7)
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.grid(axis="y", alpha=0.3)
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_xticks([])
    axes.set_xlabel("images of the batch, from image 0", labelpad=42)
    for number, picture in enumerate(pictures):
        side = min(0.9 / count, 0.15)
        inset = axes.inset_axes(((number + 0.5) / count - side / 2, -0.22, side, 0.2))
        inset.imshow(picture)
        bare(inset)
