"""Accuracy and calibration against the number of images of one thing, drawn."""

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from keras_rbi.evaluation.evaluate_observations import ObservationScores

PANELS = (
    ("top1", "top-1 accuracy (%)"),
    ("calibration_error", "expected calibration error (%)"),
)


def observations_figure(scores: ObservationScores, title: str | None = None) -> Figure:
    """Draws accuracy and calibration error against the number of images of a prediction.

    Args:
        scores: What `keras_rbi.evaluation.evaluate_observations` gives.
        title: Title of the figure. Defaults to `None`, that of the scores.

    Returns:
        A `matplotlib.figure.Figure`, which no window shows and nothing else keeps.
    """
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    drawn = [row for row in scores.rows if row.images is not None]
    sizes = [row.images for row in drawn]
    for axes, (name, label) in zip(figure.subplots(1, 2), PANELS, strict=True):
        values = [100 * getattr(row, name) for row in drawn]
        axes.plot(sizes, values, color="#0072B2", marker="o", label="drawn")
        whole = 100 * getattr(scores.rows[-1], name)
        axes.axhline(whole, color="#D55E00", linestyle="--", label="all images of each")
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("images of one thing")
        axes.set_ylabel(label)
        axes.yaxis.get_major_formatter().set_useOffset(False)
        axes.grid(alpha=0.3)
    figure.axes[0].legend(frameon=False, fontsize=8)
    figure.suptitle(scores.title if title is None else title, fontsize=10)
    return figure
