"""Ways to fine-tune a network from ImageNet, in about the same time.

    KERAS_BACKEND=tensorflow python benchmarks/recipes.py --csv recipes.csv
    python benchmarks/recipes.py --csv recipes.csv --runs 0

* `ours`: what `keras-rbi train --backbone EfficientNetLite0` does.
* `shorter`: the same with three quarters of the epochs, which together with the features that it
  extracts first take as long as the others.
* `head`: its first part alone, `--quick`.
* `guide`: Keras's own guide to transfer learning, a new head at 1e-3 on the frozen network, then
  all of it at 1e-5, by Adam at constant rates, its batch normalizations by their statistics.
* `timm`: as practitioners train with timm: all at once with decoupled weight decay, a warm-up, a
  cosine, RandAugment, label smoothing and averaged weights; its rate from a grid on validation
  images (`--split validation --rates ...`).
* `plain`: the same without RandAugment and averaged weights, for which these runs are short.

Each on the built-in typefaces, EfficientNet-Lite0 at 96×96. A row that is in the file is not
measured again; rows are paired by seed.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from csv_rows import add_rows, read_rows
from measure import console_for_tables, machine
from rich.table import Table
from scipy import stats

from keras_rbi import training
from keras_rbi.training.freezing import backbone_of, freeze_batch_norms

BACKBONE = "EfficientNetLite0"
# Of the best in the grid 1e-3, 3e-3, 6e-3 on validation images, seed 100.
TIMM_RATE = 3e-3
HEAD_RATE, FINE_RATE = 1e-3, 1e-5
FIELDS = ("way", "per_class", "seed", "rate", "split", "backend", "accuracy", "seconds")
KEY = FIELDS[:5]


def prepared(folder: Path, seed: int, per_class: int, **settings: Any) -> training.TrainingRun:
    given = training.TrainingSettings(backbone=BACKBONE, per_class=per_class, seed=seed, **settings)
    return training.prepare(given, training.RunFolder(folder / "run"))


def ours(folder: Path, seed: int, per_class: int, rate: float | None, **more: Any) -> keras.Model:
    run = prepared(folder, seed, per_class, learning_rate=rate, **more)
    run.fit(verbose=0)
    return run.model


def shorter(folder: Path, seed: int, per_class: int, rate: float | None) -> keras.Model:
    epochs = prepared(folder / "epochs", seed, per_class).settings.epochs
    return ours(folder, seed, per_class, rate, epochs=round(0.75 * epochs))


def head(folder: Path, seed: int, per_class: int, rate: float | None) -> keras.Model:
    return ours(folder, seed, per_class, rate, quick=True)


def timm(folder: Path, seed: int, per_class: int, rate: float | None) -> keras.Model:
    return plain(folder, seed, per_class, rate, augment="randaugment", ema=0.99)


def plain(folder: Path, seed: int, per_class: int, rate: float | None, **more: Any) -> keras.Model:
    run = prepared(
        folder,
        seed,
        per_class,
        method="backbone",
        learning_rate=rate or TIMM_RATE,
        feature_head=False,
        weight_decay=0.05,
        warmup_epochs=1.0,
        label_smoothing=0.1,
        **more,
    )
    run.fit(verbose=0)
    return run.model


def guide(folder: Path, seed: int, per_class: int, rate: float | None) -> keras.Model:
    """Frozen epochs take a third of the others: as many as ours has, and two thirds of all."""
    run = prepared(folder, seed, per_class, method="backbone", feature_head=False)
    model, epochs = run.model, run.settings.epochs
    freeze_batch_norms(model)
    for frozen, learning_rate, count in (
        (True, HEAD_RATE, epochs),
        (False, rate or FINE_RATE, -(-2 * epochs // 3)),
    ):
        if frozen:
            backbone_of(model).trainable = False
        else:
            backbone_of(model).trainable = True
            freeze_batch_norms(model)
        model.compile(keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy")
        model.fit(run.training, epochs=count, shuffle=False, verbose=0)
    return model


WAYS: dict[str, Callable[..., keras.Model]] = {
    "ours": ours,
    "shorter": shorter,
    "head": head,
    "guide": guide,
    "timm": timm,
    "plain": plain,
}


def measure(way: str, seed: int, per_class: int, rate: float | None, split: str) -> dict[str, Any]:
    """Trains in a way; its accuracy on images of a split in %, and its seconds."""
    settings = training.TrainingSettings(backbone=BACKBONE, per_class=per_class, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        model = WAYS[way](Path(folder), seed, per_class, rate)
        seconds = time.perf_counter() - begin
        images = training.load_split(settings.resolved(), split)
        predicted = np.argmax(model.predict(images, verbose=0), -1)
        labels = np.concatenate([batch[1] for batch in map(images.__getitem__, range(len(images)))])
    return {
        "accuracy": round(100 * float(np.mean(predicted == labels)), 2),
        "seconds": round(seconds, 1),
    }


def table_of(rows: Sequence[dict[str, str]]) -> Table:
    """Mean accuracies, and those of ours less the other's, by seeds."""
    table = Table(
        *["images a class", "way", "rate", "split", "seeds", "accuracy", "ours - it", "seconds"],
        title=f"Top-1 accuracy in %, {machine()['cpu']}",
    )

    def of(**wanted: str) -> dict[str, dict[str, str]]:
        return {row["seed"]: row for row in rows if all(row[key] == wanted[key] for key in wanted)}

    groups = dict.fromkeys((r["per_class"], r["way"], r["rate"], r["split"]) for r in rows)
    for count, way, rate, split in groups:
        found = of(per_class=count, way=way, rate=rate, split=split)
        base = of(per_class=count, way="ours", rate="", split=split)
        pairs = [
            float(base[seed]["accuracy"]) - float(found[seed]["accuracy"])
            for seed in found
            if seed in base
        ]
        difference = ""
        if way != "ours" and len(pairs) > 1:
            half = stats.t.ppf(0.975, len(pairs) - 1) * stats.sem(pairs)
            mean = float(np.mean(pairs))
            difference = f"{mean:+.1f} [{mean - half:+.1f}, {mean + half:+.1f}]"
        accuracies = [float(row["accuracy"]) for row in found.values()]
        seconds = [float(row["seconds"]) for row in found.values()]
        mean = f"{np.mean(accuracies):.1f}"
        table.add_row(
            count, way, rate, split, str(len(found)), mean, difference, f"{np.mean(seconds):.0f}"
        )
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures the rows that are missing, and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--csv", type=Path, required=True, metavar="FILE", help="the rows; those in it are kept")
    add("--ways", nargs="*", choices=WAYS, default=list(WAYS))
    add("--per-class", nargs="*", type=int, default=[40, 80])
    add("--seeds", nargs="*", type=int, default=range(5))
    add("--rates", nargs="*", type=float, default=[None], help="(default: those of the ways)")
    add("--split", choices=("validation", "test"), default="test")
    add("--runs", type=int, help="at most so many (default: all)")
    options = parser.parse_args(arguments)

    training.keep_freed_memory()
    done = {tuple(row[name] for name in KEY) for row in read_rows(options.csv)}
    asked = [
        (way, count, seed, rate)
        for seed in options.seeds
        for count in options.per_class
        for rate in options.rates
        for way in options.ways
    ]
    missing = [
        (way, count, seed, rate)
        for way, count, seed, rate in asked
        if (way, str(count), str(seed), "" if rate is None else str(rate), options.split)
        not in done
    ]
    for way, count, seed, rate in missing[: options.runs]:
        keras.utils.clear_session()
        row = measure(way, seed, count, rate, options.split)
        row |= {"way": way, "per_class": count, "seed": seed, "split": options.split}
        row |= {"rate": "" if rate is None else rate, "backend": keras.config.backend()}
        add_rows(options.csv, FIELDS, [row])
    console_for_tables().print(table_of(read_rows(options.csv)))


if __name__ == "__main__":
    main()
