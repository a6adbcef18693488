"""Saving figures as PNG and SVG."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure


def save_figures(folder: Path, figures: Mapping[str, Figure]) -> None:
    """Saves figures as `NAME.png` and `NAME.svg` in a folder, which is made if need be.

    Args:
        folder: The folder.
        figures: From names to figures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        for suffix in ("png", "svg"):
            figure.savefig(folder / f"{name}.{suffix}", dpi=150)
