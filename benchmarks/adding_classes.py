"""Classes that come later: typefaces added to a trained model, beside training all from the start.

    export KERAS_BACKEND=tensorflow OMP_NUM_THREADS=1
    python benchmarks/adding_classes.py --csv adding.csv
    python benchmarks/adding_classes.py --csv adding.csv --runs 0

For each seed, 16 of the 22 typefaces are drawn and trained; 6 are added from a few images each, in
several ways, on the same features. How far they are held back is found on validation images of the
16 and on folds of the few; the test images are for the table. What is in the file is kept.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from csv_rows import add_rows, read_rows
from measure import console_for_tables, machine
from rich.table import Table

from keras_rbi import training
from keras_rbi.datasets import ImageSequence, Typefaces
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.models.add_classes import classified_features
from keras_rbi.models.new_rows import Head, Known, hold_back, imprinted, judged, rows_of, shifted
from keras_rbi.training.build import build_model

OLD = 16
FEW = (5, 10, 40)
VALIDATION = 40
START = "all from the start"
# Ways to add, each with the share of old validation images that may be lost, and whether the old
# rows are fitted too.
WAYS: dict[str, tuple[float, bool]] = {
    "held back to 1 point": (0.01, False),
    "held back to 3 points": (0.03, False),
    "held back to 5 points": (0.05, False),
    "not held back": (1.0, False),
    "refitted, 1 point": (0.01, True),
    "refitted, 5 points": (0.05, True),
}
FIELDS = [
    "way",
    "images",
    "seed",
    "old_before",
    "old_after",
    "new_after",
    "all_after",
    "worst_class",
    "restraint",
    "shift",
    "seconds",
    "per_class",
    "epochs",
    "backend",
]


class SomeImages(ImageData):
    """Images in memory."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, class_names: list[str]) -> None:
        self.images, self.labels, self.class_names = images, labels, class_names
        self.image_size = images.shape[1]

    def image(self, index: int) -> np.ndarray:
        return np.asarray(self.images[index])


def images_of(split: str, per_class: int, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    data = Typefaces(split, per_class, size, seed)
    return np.stack([data.image(number) for number in range(len(data))]), np.array(data.labels)


def chosen(
    images: np.ndarray, labels: np.ndarray, classes: np.ndarray, counts: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """The first images of some classes, so many of each, numbered in the order of the classes."""
    rows = [np.flatnonzero(labels == label)[:n] for label, n in zip(classes, counts, strict=True)]
    numbers = np.repeat(np.arange(len(classes)), [len(each) for each in rows])
    return images[np.concatenate(rows)], numbers


def trained(
    settings: training.TrainingSettings, images: np.ndarray, labels: np.ndarray, count: int
) -> keras.Model:
    """A model, trained in one thread: on a busy machine threads wait for each other."""
    data = SomeImages(images, labels, [f"class {number}" for number in range(count)])
    sequence = ImageSequence(data, settings.batch_size, seed=settings.seed, workers=0)
    model = build_model(settings, data.class_names, len(sequence))
    for epoch in range(1, settings.epochs + 1):
        sequence.epoch = epoch
        for number in range(len(sequence)):
            model.train_on_batch(*sequence[number])
    return model


def shares(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracies in % of old classes, of new ones, and of all."""
    right, is_old = logits.argmax(1) == labels, labels < OLD
    parts = {"old_after": right[is_old], "new_after": right[~is_old], "all_after": right}
    return {name: round(100 * float(each.mean()), 2) for name, each in parts.items()}


def worst_change(before: np.ndarray, after: np.ndarray, labels: np.ndarray) -> float:
    """The change of the old class that loses most, in points."""
    changes = [
        np.mean(after[labels == label].argmax(1) == label)
        - np.mean(before[labels == label].argmax(1) == label)
        for label in range(OLD)
    ]
    return round(100 * float(min(changes)), 2)


def measure_added(
    seed: int, settings: training.TrainingSettings, data: dict[str, Any], classes: np.ndarray
) -> Iterator[dict[str, Any]]:
    """Trains on the old classes, and adds the others in every way."""
    count = len(classes) - OLD
    old_images = [settings.per_class] * OLD
    known_images = chosen(*data["train"], classes[:OLD], old_images)
    model = trained(settings, *known_images, OLD)
    kernel, bias = (part.astype("float64") for part in model.classifier.get_weights())
    old = Head(kernel, bias)

    def known(images: np.ndarray, labels: np.ndarray) -> Known:
        return Known(classified_features(model, images), labels)

    of_old = known(*known_images)
    held_out = known(*chosen(*data["validation"], classes[:OLD], [1000] * OLD))
    test = known(*chosen(*data["test"], classes, [1000] * len(classes)))
    before = old.logits(test.features[test.labels < OLD])
    own = test.labels[test.labels < OLD]
    old_before = round(100 * float(np.mean(before.argmax(1) == own)), 2)
    for few in FEW:
        new = known(*chosen(*data["train"], classes[OLD:], [few] * count))

        def row(way: str, whole: Head, seconds: float, **more: Any) -> dict[str, Any]:
            logits = whole.logits(test.features)
            return {
                "way": way,
                "images": few,  # noqa: B023, used at once
                "old_before": old_before,
                **shares(logits, test.labels),
                "worst_class": worst_change(before, logits[test.labels < OLD], own),
                "seconds": round(seconds, 2),
                **more,
            }

        yield row("imprinted", old.beside(imprinted(old, new, of_old)), 0.0)
        on_held_out, spent, found_by = old.logits(held_out.features), {}, {}
        for refit in (False, True):
            begin = time.perf_counter()
            found_by[refit] = judged(old, new, of_old, held_out, seed, refit)
            spent[refit] = time.perf_counter() - begin
        for way, (allowed, refit) in WAYS.items():
            begin = time.perf_counter() - spent[refit]
            held = hold_back(found_by[refit], on_held_out, held_out.labels, allowed)
            whole = rows_of(old, new, of_old, held.restraint, refit)
            whole = shifted(whole, OLD, held.shift)
            found = {"restraint": held.restraint, "shift": round(held.shift, 3)}
            yield row(way, whole, time.perf_counter() - begin, **found)


def measure_start(
    few: int, settings: training.TrainingSettings, data: dict[str, Any], classes: np.ndarray
) -> dict[str, Any]:
    """Trains on all classes, of which the new ones have few images."""
    counts = [settings.per_class] * OLD + [few] * (len(classes) - OLD)
    begin = time.perf_counter()
    model = trained(settings, *chosen(*data["train"], classes, counts), len(classes))
    seconds = time.perf_counter() - begin
    images, labels = chosen(*data["test"], classes, [1000] * len(classes))
    parts = (images[begin : begin + 64] for begin in range(0, len(images), 64))
    predicted = np.concatenate([np.asarray(model.predict_on_batch(part)) for part in parts])
    return {"way": START, "images": few, **shares(predicted, labels), "seconds": round(seconds, 1)}


def measure(few: int | None, seed: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    settings = training.TrainingSettings(
        per_class=options.per_class,
        epochs=options.epochs,
        image_size=options.image_size,
        seed=seed,
    ).resolved()
    sizes = {"train": options.per_class, "validation": VALIDATION, "test": options.test_images}
    data = {
        split: images_of(split, count, options.image_size, 0 if split == "test" else seed)
        for split, count in sizes.items()
    }
    classes = np.random.default_rng(seed).permutation(len(np.unique(data["test"][1])))
    if few is not None:
        return [measure_start(few, settings, data, classes)]
    return list(measure_added(seed, settings, data, classes))


def summary(rows: Sequence[dict[str, str]]) -> Iterator[list[str]]:
    """For each number of images and way: means over seeds, with standard deviations."""
    names = ("old_before", "old_after", "new_after", "all_after", "worst_class", "seconds")
    for few in FEW:
        for way in ("imprinted", *WAYS, START):
            some = [row for row in rows if (row["way"], row["images"]) == (way, str(few))]
            if not some:
                continue
            cells = []
            for name in names:
                values = np.array([float(row[name]) for row in some if row[name]])
                spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
                cells.append(f"{values.mean():.1f}{spread}" if len(values) else "")
            yield [str(few), way, str(len(some)), *cells]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures what is missing, and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--csv", type=Path, required=True, metavar="FILE", help="the rows; those in it are kept")
    add("--seeds", nargs="*", type=int, default=range(5))
    add("--few", nargs="*", type=int, choices=FEW, default=FEW, help="of training from the start")
    add("--per-class", type=int, default=40)
    add("--epochs", type=int, default=30)
    add("--image-size", type=int, default=64)
    add("--test-images", type=int, default=100, help="of each class (default: 100)")
    add("--runs", type=int, help="at most so many (default: all)")
    options = parser.parse_args(arguments)

    training.keep_freed_memory()
    rows = read_rows(options.csv)
    added = {row["seed"] for row in rows if row["way"] != START}
    started = {(row["images"], row["seed"]) for row in rows if row["way"] == START}
    missing: list[tuple[int | None, int]] = [
        (None, seed) for seed in options.seeds if str(seed) not in added
    ]
    missing += [
        (few, seed)
        for seed in options.seeds
        for few in options.few
        if (str(few), str(seed)) not in started
    ]
    for few, seed in missing[: options.runs]:
        keras.utils.clear_session()
        shared = {
            "seed": seed,
            "per_class": options.per_class,
            "epochs": options.epochs,
            "backend": keras.config.backend(),
        }
        # Together, so that a run that was killed leaves none or all.
        add_rows(options.csv, FIELDS, [{**shared, **row} for row in measure(few, seed, options)])
    table = Table(
        *["images", "way", "seeds", "old before", "old", "new", "all", "worst old class"],
        "seconds",
        title=f"Top-1 accuracy in % of {OLD} old typefaces and 6 new, {machine()['cpu']}",
    )
    for cells in summary(read_rows(options.csv)):
        table.add_row(*cells)
    console_for_tables().print(table)


if __name__ == "__main__":
    main()
