"""The curve of a learning rate range test as a figure."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from keras_rbi.figures.training_curves import COLOURS

if TYPE_CHECKING:
    from keras_rbi.training.learning_rate_range_test import RangeTest


def learning_rate_curve(found: "RangeTest", title: str = "") -> Figure:
    """Draws loss against learning rate, and the rate that is suggested.

    Args:
        found: What `keras_rbi.training.learning_rate_range_test` gives.
        title: Title of the figure. Defaults to `""`.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> from keras_rbi.training.learning_rate_range_test import RangeTest
    >>> losses = np.array([2.0, 1.9, 1.2, 1.0, 3.0])
    >>> found = RangeTest(np.geomspace(1e-4, 1.0, 5), losses, losses)
    >>> keras_rbi.figures.learning_rate_curve(found).axes[0].get_xlabel()
    'learning rate'
    """
    figure = Figure(figsize=(5.2, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(found.rates, found.losses, color="0.75", linewidth=1, label="loss of a batch")
    axes.plot(found.rates, found.smoothed, color=COLOURS["training"], label="smoothed")
    axes.axvline(
        found.suggestion,
        color=COLOURS["validation"],
        linestyle="--",
        label=f"suggestion {found.suggestion:.1e}",
    )
    axes.set_xscale("log")
    # What diverges at the end would press the rest flat.
    axes.set_ylim(0.0, 1.3 * max(found.losses[: max(2, len(found.losses) // 2)]))
    axes.set_xlabel("learning rate")
    axes.set_ylabel("cross-entropy (nats)")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    if title:
        figure.suptitle(title)
    return figure
