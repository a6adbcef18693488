"""What each part of RBI does: the default with one thing changed at a time.

    python -m applications.paper.ablation --dataset typefaces --quick
    python -m applications.paper.ablation --dataset stanford_dogs --data-dir data \\
        --backbones DenseNet201

RRA without RPE; the other softmax axis; a gate for each feature; ε as printed; relations that are
not normalised; relation dropout of 0 and of 1; relation groups; batches of few classes; and the
method as printed, with and without relation dropout. Gains are those on RBI's default.

What it costs: with --quick, 48 runs of half a minute to some minutes on two cores; in full, 60 runs
of 50 epochs at 224 pixels for each backbone.

The paper has no such table. Its text says of RPE: "a slight improvement in accuracy".
"""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from applications.paper.arguments import parser, runs_of
from applications.paper.experiment import run_grid
from applications.paper.peers import ABLATIONS, DEFAULT
from applications.paper.report import Row, Table, by_seed, cases_of, publish
from applications.paper.statistics import paired_gain, percent, points
from keras_rbi.training import keep_freed_memory


def members_of(rows: Sequence[Row], case: tuple[str, str]) -> list[Row]:
    """The rows of a backbone and a number of training images a class."""
    return [row for row in rows if (row["backbone_name"], row["per_class"]) == case]


def table_of(rows: Sequence[Row]) -> Table:
    """Accuracy alone and in batches, and the gain on the default, a line for each variant."""
    table: Table = [
        [
            "backbone", "images a class", "variant", "seeds", '"self" (%)', '"batch" of 32 (%)',
            "gain on the default [95 % interval]",
        ]
    ]  # fmt: skip
    for case in cases_of(rows):
        members = members_of(rows, case)
        default = by_seed(members, DEFAULT)
        for name, variant in ABLATIONS.items():
            found = by_seed(members, name)
            if not found:
                continue
            cells = [
                percent(list(by_seed(members, name, column).values()))
                for column in ("accuracy_self", "accuracy_batch_32")
            ]
            gain = "" if name == DEFAULT else points(paired_gain(found, default))
            table.append([*case, variant.title, str(len(found)), *cells, gain])
    return table


def draw(rows: Sequence[Row]) -> Figure:
    """The gains on the default with their intervals, a panel for each backbone and size."""
    cases, names = cases_of(rows), [name for name in ABLATIONS if name != DEFAULT]
    figure = Figure(figsize=(3.2 + 3.4 * len(cases), 4.2), layout="constrained")
    panels = figure.subplots(1, len(cases), sharey=True, squeeze=False)[0]
    for place, case in zip(panels, cases, strict=True):
        members = members_of(rows, case)
        default = by_seed(members, DEFAULT)
        for number, name in enumerate(names):
            gain = paired_gain(by_seed(members, name), default)
            if gain is None:
                continue
            place.plot([100 * gain.low, 100 * gain.high], [number] * 2, color="#0072B2")
            place.plot(100 * gain.mean, number, "o", color="#0072B2")
        place.axvline(0, color="#999999", linewidth=1)
        place.set(title=f"{case[0]}, {case[1]} a class", xlabel="gain on the default (points)")
    panels[0].set_yticks(range(len(names)), [ABLATIONS[name].title for name in names])
    panels[0].invert_yaxis()
    return figure


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains what is not trained yet, and reports."""
    made = parser(__doc__, "ablation")
    made.add_argument("--variants", nargs="+", choices=ABLATIONS, default=list(ABLATIONS))
    options: Any = made.parse_args(arguments)
    keep_freed_memory()
    runs = runs_of(options, options.variants)
    rows = run_grid([] if options.only_report else runs, options.output)
    publish(options, rows, [table_of], draw)


if __name__ == "__main__":
    main()
