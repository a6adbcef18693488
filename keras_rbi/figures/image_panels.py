"""Panels that figures of images are made of."""

import textwrap
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

# Okabe and Ito's blue and vermilion: told apart by colour-blind readers too.
FIRST, SECOND = "#0072B2", "#D55E00"
# More numbers than this cannot be read in the cells of a matrix.
NUMBERED = 8
# Where the images beside a matrix begin: one row wide, and a gap.
BESIDE = -1.6
# How bright red, green and blue are, and how much of an image a map over it hides.
GREY, OPACITY = np.array([0.299, 0.587, 0.114]), 0.6


def as_pictures(images: Any) -> np.ndarray:
    """Images of 0..255 as uint8 with the channels last, and greys in three channels."""
    pictures = np.asarray(images)
    if pictures.shape[-1] not in (1, 3) and pictures.shape[1] in (1, 3):
        pictures = pictures.transpose(0, 2, 3, 1)
    if pictures.dtype != np.uint8:
        pictures = np.clip(np.rint(pictures), 0, 255).astype("uint8")
    return np.broadcast_to(pictures, (*pictures.shape[:-1], 3))


def plain(name: str, longest: int = 24) -> str:
    """A name as text for Matplotlib, shortened: a dollar would begin a formula."""
    if len(name) > longest:
        name = name[: longest - 1] + "…"
    return name.replace("$", r"\$")


def wrapped(name: str, longest: int = 24) -> str:
    """As `plain`, on two lines where one is too short: names of kin often differ in their ends."""
    first, *others = textwrap.wrap(name, longest) or [""]
    if not others:
        return plain(first, longest)
    return f"{plain(first, longest)}\n{plain(name[len(first) :].strip(), longest)}"


def bare(axes: Axes) -> None:
    """Takes ticks and frame away."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def overlay(picture: np.ndarray, map_: np.ndarray) -> np.ndarray:
    """An image with a map of 0..1 over its greys, as `draw_overlay` draws them.

    Args:
        picture: uint8 array of shape `(height, width, 3)`.
        map_: Array of shape `(height, width)`.

    Returns:
        uint8 array of shape `(height, width, 3)`.
    """
    grey = (picture @ GREY)[..., None]
    colours = 255 * colormaps["viridis"](np.asarray(map_, "float64"))[..., :3]
    return np.rint((1 - OPACITY) * grey + OPACITY * colours).astype("uint8")


def draw_overlay(axes: Axes, picture: np.ndarray, map_: np.ndarray | None = None) -> None:
    """Draws an image, and a map of 0..1 over its greys.

    Args:
        axes: Where.
        picture: uint8 array of shape `(height, width, 3)`.
        map_: Array of shape `(height, width)`. Defaults to `None`, the image alone.
    """
    if map_ is None:
        axes.imshow(picture)
    else:
        # Greys, so that colour means the map alone.
        grey = picture @ GREY
        axes.imshow(grey, cmap="gray", vmin=0, vmax=255)
        axes.imshow(map_, cmap="viridis", vmin=0, vmax=1, alpha=OPACITY)
    bare(axes)


def draw_relations(
    axes: Axes,
    matrix: np.ndarray,
    images: Any,
    colours: str = "viridis",
    most: float | None = None,
    bar: bool = True,
) -> None:
    """Draws a matrix of relations with the images along both axes.

    Args:
        axes: Where.
        matrix: Array of shape `(batch, batch)`: rows are sources, columns targets.
        images: The images, 0..255.
        colours: Name of a Matplotlib colour map. Defaults to `"viridis"`.
        most: The number of the brightest colour, or `None` for the largest there is. The darkest
            is 0, or the smallest number if that is less. Defaults to `None`.
        bar: Whether to draw the colours' scale. Defaults to `True`.
    """
    count = len(matrix)
    least = min(0.0, float(matrix.min()))
    shown = axes.imshow(matrix, cmap=colours, vmin=least, vmax=most)
    pictures = as_pictures(images)
    for number, picture in enumerate(pictures):
        # Beside and above the matrix, each as wide as its row or column, less a gap.
        for left, top in ((BESIDE, number - 0.5), (number - 0.5, BESIDE)):
            inset = axes.inset_axes(
                (left + 0.04, top + 0.04, 0.92, 0.92), transform=axes.transData, zorder=3
            )
            inset.imshow(picture)
            bare(inset)
    axes.set_xlim(BESIDE, count - 0.5)
    axes.set_ylim(count - 0.5, BESIDE)
    bare(axes)
    low, high = shown.get_clim()
    if count <= NUMBERED:
        for row, column in np.ndindex(matrix.shape):
            bright = matrix[row, column] > (low + high) / 2
            axes.text(
                column,
                row,
                f"{matrix[row, column]:.2f}" if high < 10 else f"{matrix[row, column]:.0f}",
                ha="center",
                va="center",
                fontsize=7,
                color="black" if bright else "white",
            )
    if bar:
        axes.figure.colorbar(shown, ax=axes, shrink=0.75, pad=0.02)
