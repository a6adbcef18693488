"""The map: what relating gains in each regime, over the backbone and over the same head."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from applications.paper.regimes.columns import COLUMNS
from applications.paper.regimes.regime import REGIMES
from applications.paper.regimes.summary import BAR, Cell

# Okabe and Ito's, and marks besides: told apart by colour-blind readers too.
STYLES = {
    "default": ("#0072B2", "o"),
    "paper": ("#D55E00", "s"),
    "flowing": ("#009E73", "^"),
    "batchformer": ("#E69F00", "D"),
}
PANELS = (
    ("over_alone", "what a head gains over\nthe backbone alone"),
    ("over_control", "what relating gains over\nthe same head, never related"),
)
# Beyond these points a gain is drawn at the edge: runs that fail are worth no scale.
EDGES = (-22.0, 52.0)


def draw(cells: Sequence[Cell]) -> Figure:
    """Gains with their intervals, a line for each regime, the least gain over controls last.

    Args:
        cells: Those of heads that relate.
    """
    order = sorted(
        dict.fromkeys(cell.regime for cell in cells),
        key=lambda name: max(
            cell.over_control.mean
            for cell in cells
            if cell.regime == name and cell.over_control is not None
        ),
    )
    figure = Figure(figsize=(11.0, 1.6 + 0.4 * len(order)), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, (attribute, title) in zip(panels, PANELS, strict=True):
        axes.axvspan(100 * BAR, EDGES[1], color="#000000", alpha=0.06, linewidth=0)
        axes.axvline(0, color="#000000", linewidth=0.8)
        for shift, (column, (color, mark)) in enumerate(STYLES.items()):
            own = [cell for cell in cells if cell.column == column]
            y = [order.index(cell.regime) + 0.18 * (1.5 - shift) for cell in own]
            gains = [getattr(cell, attribute) for cell in own]
            middle = [min(max(100 * gain.mean, EDGES[0]), EDGES[1]) for gain in gains]
            for height, gain in zip(y, gains, strict=True):
                axes.plot([100 * gain.low, 100 * gain.high], [height] * 2, color=color, linewidth=1)
            axes.plot(middle, y, mark, color=color, markersize=4.5, label=COLUMNS[column].title)
        axes.set_xlim(*EDGES)
        axes.set_title(title, fontsize=11)
        axes.set_xlabel("points of accuracy, 95 % interval")
        axes.grid(axis="x", alpha=0.3)
        axes.set_yticks(range(len(order)), [REGIMES[name].title for name in order])
        axes.set_ylim(-0.6, len(order) - 0.4)
    panels[1].text(EDGES[1] - 0.6, -0.5, "2.78 points and more", fontsize=8, ha="right", alpha=0.7)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(STYLES), frameon=False)
    return figure
