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

# Points up to which the figure's axis is linear.
LINEAR = 5
TICKS = (-30, -5, 0, 5, 30)


def members_of(rows: Sequence[Row], case: tuple[str, str]) -> list[Row]:
    """The rows of a backbone and a number of training images a class."""
    return [row for row in rows if (row["backbone_name"], row["per_class"]) == case]


def axes_of(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """The backbones and the numbers of training images a class that rows have."""
    cases = cases_of(rows)
    return list(dict.fromkeys(name for name, _ in cases)), sorted({n for _, n in cases}, key=int)


def table_of(rows: Sequence[Row]) -> Table:
    """Accuracy and the gain on the default, a line for each backbone and variant."""
    backbones, sizes = axes_of(rows)
    table: Table = [["backbone", "variant"]]
    for size in sizes:
        table[0] += [f"top-1 (%), {size} a class", "gain [95 % interval]"]
    for backbone in backbones:
        for name, variant in ABLATIONS.items():
            line = [backbone, variant.title]
            for size in sizes:
                members = members_of(rows, (backbone, size))
                found, default = by_seed(members, name), by_seed(members, DEFAULT)
                few = "" if len(found) == len(default) else f" (seeds: {len(found)})"
                accuracy = percent(list(found.values())) + few if found else ""
                gain = points(paired_gain(found, default)) if found and name != DEFAULT else ""
                line += [accuracy, gain]
            if any(line[2::2]):
                table.append(line)
    return table


def differences(rows: Sequence[Row]) -> Table:
    """What batches of 32 change on answering each image by itself, at most."""
    backbones, sizes = axes_of(rows)
    table: Table = [
        ["variant", *(f"{name}: batches of 32 change, at most (points)" for name in backbones)]
    ]
    for name, variant in ABLATIONS.items():
        line = [variant.title]
        for backbone in backbones:
            alone, related = (
                [
                    accuracy
                    for size in sizes
                    for accuracy in by_seed(members_of(rows, (backbone, size)), name, kind).values()
                ]
                for kind in ("accuracy_self", "accuracy_batch_32")
            )
            changes = [100 * abs(a - b) for a, b in zip(alone, related, strict=True)]
            line.append(f"{max(changes):.1f}" if changes else "")
        if any(line[1:]):
            table.append(line)
    return table


def draw(rows: Sequence[Row]) -> Figure:
    """The gains on the default with their intervals, a panel for each backbone and size."""
    backbones, sizes = axes_of(rows)
    names = [name for name in ABLATIONS if name != DEFAULT]
    figure = Figure(figsize=(2.6 + 3 * len(sizes), 3.6 * len(backbones)), layout="constrained")
    panels = figure.subplots(len(backbones), len(sizes), sharey=True, sharex="row", squeeze=False)
    for backbone, line in zip(backbones, panels, strict=True):
        for size, place in zip(sizes, line, strict=True):
            members = members_of(rows, (backbone, size))
            default = by_seed(members, DEFAULT)
            for number, name in enumerate(names):
                gain = paired_gain(by_seed(members, name), default)
                if gain is None:
                    continue
                place.plot([100 * gain.low, 100 * gain.high], [number] * 2, color="#0072B2")
                place.plot(100 * gain.mean, number, "o", color="#0072B2")
            place.axvline(0, color="#999999", linewidth=1)
            place.set_title(f"{backbone}, {size} a class", fontsize=10)
            place.set_xlabel("gain on the default (points)")
            # Where one seed fails its interval is tens of points wide; the others' are a few.
            place.set_xscale("symlog", linthresh=LINEAR)
            place.set_xticks(TICKS, map(str, TICKS))
    place = panels[0, 0]
    place.set_yticks(range(len(names)), [ABLATIONS[name].title for name in names])
    place.set_ylim(len(names) - 0.5, -0.5)
    return figure


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains what is not trained yet, and reports."""
    made = parser(__doc__, "ablation")
    made.add_argument("--variants", nargs="+", choices=ABLATIONS, default=list(ABLATIONS))
    options: Any = made.parse_args(arguments)
    keep_freed_memory()
    runs = runs_of(options, options.variants)
    rows = run_grid([] if options.only_report else runs, options.output)
    publish(options, rows, [table_of, differences], draw)


if __name__ == "__main__":
    main()
