"""Scores against the test batch size, drawn."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from keras_rbi.evaluation.protocol import EvaluationProtocol

PANELS = (
    ("top1", "top-1 accuracy (%)", 100.0),
    ("top5", "top-5 accuracy (%)", 100.0),
    ("loss", "cross-entropy (nats)", 1.0),
    ("calibration_error", "expected calibration error (%)", 100.0),
)
# Okabe and Ito's: told apart by colour-blind readers too, and by dashes and marks besides.
STYLES: dict[tuple[str, str], dict[str, Any]] = {
    ("batch", "shuffled"): {"color": "#0072B2", "marker": "o"},
    ("batch", "sorted by class"): {"color": "#D55E00", "marker": "s", "linestyle": "--"},
    ("self", "any"): {"color": "#009E73", "linestyle": "-."},
    ("references", "any"): {"color": "#CC79A7", "linestyle": ":", "linewidth": 2.5},
    ("none", "any"): {"color": "#000000", "linestyle": "-"},
}


def protocol_figure(protocol: EvaluationProtocol, title: str | None = None) -> Figure:
    """Draws accuracies, loss and calibration error against the test batch size.

    Args:
        protocol: What `keras_rbi.evaluation.evaluate_protocol` gives.
        title: Title of the figure. Defaults to `None`: one that says how many images and which
            orders.

    Returns:
        A `matplotlib.figure.Figure`, which no window shows and nothing else keeps.
    """
    title = protocol.title if title is None else title
    rows = [row.as_dict() for row in protocol.rows]
    figure = Figure(figsize=(9.0, 6.4), layout="constrained")
    panels = figure.subplots(2, 2).flat
    sizes = sorted({row["batch_size"] for row in rows if row["batch_size"] is not None})
    for axes, (key, label, factor) in zip(panels, PANELS, strict=True):
        for kind, style in STYLES.items():
            members = [row for row in rows if (row["relations"], row["order"]) == kind]
            _draw(axes, members, kind, key, factor, style)
        axes.set_xscale("log", base=2)
        axes.set_xlim(*((sizes[0] / 1.3, sizes[-1] * 1.3) if sizes else (1, 2)))
        axes.set_xticks(sizes)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("test batch size" if sizes else "any test batch size")
        axes.set_ylabel(label)
        # Values, not what they differ by from a number in the corner.
        axes.yaxis.get_major_formatter().set_useOffset(False)
        axes.grid(alpha=0.3)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    figure.suptitle(title, fontsize=10)
    return figure


def _draw(
    axes: Axes,
    rows: Sequence[dict[str, Any]],
    kind: tuple[str, str],
    key: str,
    factor: float,
    style: dict[str, Any],
) -> None:
    if not rows:
        return
    relations, order = kind
    if order == "any":
        name = "no relations" if relations == "none" else f'relations "{relations}"'
        axes.axhline(factor * rows[0][key], label=f"{name}, any batch size and order", **style)
        return
    rows = sorted(rows, key=lambda row: row["batch_size"])
    count = rows[0]["orders"]
    deviations = [row[key + "_sd"] for row in rows]
    spread = order == "shuffled" and None not in deviations
    if order == "shuffled":
        order = f"{count} shuffled orders, mean ± sd" if count > 1 else "1 shuffled order"
    axes.errorbar(
        [row["batch_size"] for row in rows],
        [factor * row[key] for row in rows],
        [factor * deviation for deviation in deviations] if spread else None,
        label=f'relations "{relations}", {order}',
        capsize=3,
        markersize=4,
        **style,
    )
