"""Figure 3 of the paper: accuracy against the test batch size.

    python -m applications.paper.batch_size --dataset typefaces --quick
    python -m applications.paper.batch_size --dataset stanford_dogs --data-dir data \\
        --backbones MobileNetV3Small DenseNet201

RBI as printed, the same with relation dropout, and the default here, all trained in batches of 32
and tested with relations to the batch in batches of 1 to 128, in several shuffled orders. The
class-sorted order beside them gives the label away: it is how not to measure.

What it costs: with --quick, 12 runs of half a minute to some minutes on two cores; in full, 15 runs
of 50 epochs at 224 pixels for each backbone.

The paper's text says that the test batch size has "minimal impact": differences of less than 1
point for three of four models, more for MobileNetV3Small, and the same accuracy at batch size 1.
"""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from applications.paper.arguments import parser, runs_of
from applications.paper.experiment import Run, run_grid, trained
from applications.paper.peers import ALL, DEFAULT, PAPER
from applications.paper.report import Row, Table, cases_of, publish
from applications.paper.statistics import percent
from keras_rbi.evaluation import evaluate_protocol
from keras_rbi.evaluation.protocol import ANY, SHUFFLED, SORTED
from keras_rbi.training import keep_freed_memory

PEERS = (PAPER, "paper-dropout", DEFAULT)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
# Of the axis of accuracies, in points.
SMALLEST_SPAN = 10.0
STYLES = {PAPER: ("#D55E00", "o"), "paper-dropout": ("#E69F00", "s"), DEFAULT: ("#0072B2", "^")}


def measured(run: Run, sizes: Sequence[int], orders: int) -> list[dict[str, Any]]:
    """Trains a model, and scores it at each batch size and in each kind of order."""
    model, test = trained(run)
    settings = run.settings
    found = evaluate_protocol(model, test, sizes, orders)
    return [
        {
            "peer": run.peer,
            "backbone": settings.backbone,
            "frozen": "yes" if settings.freeze == "backbone" else "no",
            "per_class": settings.per_class,
            "seed": settings.seed,
            **row.as_dict(),
            "test_images": found.images,
            "settings": run.key,
        }
        for row in found.rows
    ]


def _accuracies(
    rows: Sequence[Row], case: Any, peer: str, size: Any, order: str
) -> dict[str, float]:
    """From seeds to accuracies."""
    return {
        row["seed"]: float(row["top1"])
        for row in rows
        if (row["backbone_name"], row["per_class"]) == case
        and (row["peer"], row["batch_size"]) == (peer, str(size))
        # One image has no others in its batch, in whatever order.
        and row["order"] in (order, ANY)
    }


def table_of(rows: Sequence[Row]) -> Table:
    """A line for each peer and order, a column for each batch size."""
    sizes = sorted({int(row["batch_size"]) for row in rows if row["batch_size"]})
    table: Table = [["backbone", "images a class", "peer", "order", *map(str, sizes)]]
    for case in cases_of(rows):
        for peer in PEERS:
            for order in (SHUFFLED, SORTED):
                found = [_accuracies(rows, case, peer, size, order) for size in sizes]
                if any(found):
                    cells = [percent(list(each.values())) if each else "" for each in found]
                    table.append([*case, ALL[peer].title, order, *cells])
    return table


def draw(rows: Sequence[Row]) -> Figure:
    """Accuracy over the batch size: a line for each seed, the class-sorted order dashed."""
    cases = cases_of(rows)
    sizes = sorted({int(row["batch_size"]) for row in rows if row["batch_size"]})
    figure = Figure(figsize=(4.8 * len(cases), 4.6), layout="constrained")
    panels = figure.subplots(1, len(cases), squeeze=False)[0]
    for place, case in zip(panels, cases, strict=True):
        for peer in PEERS:
            colour, mark = STYLES[peer]
            for order, style in ((SHUFFLED, {}), (SORTED, {"linestyle": "--", "mfc": "white"})):
                found = {size: _accuracies(rows, case, peer, size, order) for size in sizes}
                # A mean of a run that has learned and one that has not would be of neither.
                for number, seed in enumerate(sorted({s for each in found.values() for s in each})):
                    points = [(n, 100 * each[seed]) for n, each in found.items() if seed in each]
                    label = "" if number else f"{ALL[peer].title}, {order}"
                    place.plot(
                        *zip(*points, strict=True),
                        color=colour,
                        marker=mark,
                        markersize=5,
                        label=label,
                        **style,
                    )
        place.set_xscale("log", base=2)
        place.set_xticks(sizes, [str(size) for size in sizes])
        place.set(title=f"{case[0]}, {case[1]} a class", xlabel="test batch size")
        place.set_ylabel("top-1 accuracy (%), a line for each seed")
        # What hardly changes shall look so.
        low, high = place.get_ylim()
        middle, reach = (low + high) / 2, max(high - low, SMALLEST_SPAN) / 2
        place.set_ylim(middle - reach, middle + reach)
    if cases:
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    return figure


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains what is not trained yet, and reports."""
    made = parser(__doc__, "batch_size")
    made.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS)
    made.add_argument("--batch-sizes", nargs="+", type=int, default=SIZES, metavar="SIZE")
    made.add_argument("--orders", type=int, default=5, help="shuffled orders (default: 5)")
    options: Any = made.parse_args(arguments)
    keep_freed_memory()
    runs = runs_of(options, options.peers)
    rows = run_grid(
        [] if options.only_report else runs,
        options.output,
        lambda run: measured(run, options.batch_sizes, options.orders),
    )
    publish(options, rows, [table_of], draw)


if __name__ == "__main__":
    main()
