"""Saving figures as PNG and SVG."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from keras_rbi.atomic_write import atomic_files


def save_figures(folder: Path, figures: Mapping[str, Figure]) -> None:
    """Saves figures as `NAME.png` and `NAME.svg` in a folder, all of them or none.

    Args:
        folder: The folder, which is made if need be.
        figures: From names to figures.
    """
    with atomic_files(folder) as unfinished:
        for name, figure in figures.items():
            for suffix in ("png", "svg"):
                figure.savefig(unfinished / f"{name}.{suffix}", dpi=150)
