"""Table 1 of the paper: accuracy, parameters and time of backbones with and without RBI.

    python -m applications.paper.table1 --dataset typefaces --quick
    python -m applications.paper.table1 --dataset stanford_dogs --data-dir data
    python -m applications.paper.table1 --dataset cub_200_2011 --data-dir data

Beside the backbone alone and RBI as printed: RBI's default here, RBI whose classifier is shared
with the features that are not related, and the recipe of BatchFormer. All are trained with the
same images in the same order, the same batches and the same number of epochs.

What it costs: with --quick, 20 runs of half a minute to some minutes on two cores. In full, every
run is 50 epochs at 224 pixels, and needs a GPU: 8 backbones, 5 peers and 5 seeds are 200 runs.

The paper's text says: accuracy rises by 2.78, 3.83 and 3.29 points on average on Stanford Dogs,
CUB-200-2011 and NABirds (its abstract has the first two the other way round), by 3 to 6 points with
DenseNet and MobileNet and by 1 to 2 with Swin; the best is 95.79 % on Stanford Dogs. SwinT-Small
with RBI (61.7 M parameters) beats SwinT-Big (87 M), and ConvNeXtBase with RBI (103.4 M) beats
ConvNeXtLarge (197.9 M).
"""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from applications.paper.arguments import parser, runs_of
from applications.paper.experiment import run_grid
from applications.paper.peers import BACKBONE, DEFAULT, PEERS
from applications.paper.report import Row, Table, by_seed, cases_of, publish
from applications.paper.statistics import mean_and_sd, paired_gain, percent, points
from keras_rbi.training import keep_freed_memory

# Okabe and Ito's: told apart by colour-blind readers too.
COLOURS = ("#000000", "#E69F00", "#D55E00", "#0072B2", "#009E73")


def table_of(rows: Sequence[Row]) -> Table:
    """Accuracy, gain on the backbone alone, parameters and time, a line for each peer."""
    table: Table = [
        [
            "backbone", "images a class", "peer", "seeds", "top-1 (%)", "gain [95 % interval]",
            "validation (%)", "parameters (M)", "ms an image",
        ]
    ]  # fmt: skip
    for backbone, per_class in cases_of(rows):
        members = [r for r in rows if (r["backbone_name"], r["per_class"]) == (backbone, per_class)]
        alone = by_seed(members, BACKBONE)
        for peer, title in ((name, each.title) for name, each in PEERS.items()):
            found = by_seed(members, peer)
            if not found:
                continue
            own = [row for row in members if row["peer"] == peer]
            validation = [float(row["validation_accuracy"]) for row in own]
            table.append(
                [
                    backbone,
                    per_class,
                    title,
                    str(len(found)),
                    percent(list(found.values())),
                    "" if peer == BACKBONE else points(paired_gain(found, alone)),
                    percent(validation),
                    f"{int(own[0]['parameters']) / 1e6:.2f}",
                    # Other programs can only slow a run down.
                    f"{min(float(row['ms_per_image']) for row in own):.2f}",
                ]
            )
    return table


def smaller_against_larger(rows: Sequence[Row]) -> Table:
    """Every backbone with RBI's default against every one alone that has more parameters."""
    table: Table = [["smaller with RBI", "larger alone", "images a class", "gain [95 % interval]"]]
    for small, per_class in cases_of(rows):
        for large, _ in (case for case in cases_of(rows) if case[1] == per_class):
            with_rbi, alone = (
                [r for r in rows if (r["backbone_name"], r["per_class"], r["peer"]) == case]
                for case in ((small, per_class, DEFAULT), (large, per_class, BACKBONE))
            )
            if not with_rbi or not alone or small == large:
                continue
            if int(with_rbi[0]["parameters"]) >= int(alone[0]["parameters"]):
                continue
            gain = paired_gain(by_seed(with_rbi, DEFAULT), by_seed(alone, BACKBONE))
            table.append([small, large, per_class, points(gain)])
    return table


def draw(rows: Sequence[Row]) -> Figure:
    """Accuracy of every peer over the training images a class, a panel for each backbone."""
    names = list(dict.fromkeys(backbone for backbone, _ in cases_of(rows)))
    figure = Figure(figsize=(4.6 * len(names), 3.8), layout="constrained")
    for place, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        sizes = [size for backbone, size in cases_of(rows) if backbone == name]
        for shift, (peer, color) in enumerate(zip(PEERS, COLOURS, strict=True)):
            x, means = [], []
            for size in sizes:
                members = [r for r in rows if (r["backbone_name"], r["per_class"]) == (name, size)]
                found = [100 * accuracy for accuracy in by_seed(members, peer).values()]
                if found:
                    x.append(float(size) * 1.03 ** (shift - 2))
                    means.append(mean_and_sd(found)[0])
                    place.plot([x[-1]] * len(found), found, "o", color=color, markersize=3)
            if x:
                place.plot(x, means, color=color, label=PEERS[peer].title)
        place.set(title=name, xscale="log", xlabel="training images a class")
        ticks = sorted(map(float, sizes))
        place.set_xticks(ticks, [f"{size:g}" for size in ticks])
        place.minorticks_off()
        place.set_ylabel("top-1 (%): each seed, and the mean")
        place.legend(fontsize=8)
    return figure


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains what is not trained yet, and reports."""
    made = parser(__doc__, "table1")
    made.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    options: Any = made.parse_args(arguments)
    keep_freed_memory()
    runs = runs_of(options, options.peers)
    rows = run_grid([] if options.only_report else runs, options.output)
    publish(options, rows, [table_of, smaller_against_larger], draw)


if __name__ == "__main__":
    main()
