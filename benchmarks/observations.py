"""Several images of one typeface at test: accuracy and calibration against their number.

    export KERAS_BACKEND=tensorflow OMP_NUM_THREADS=1
    python benchmarks/observations.py --csv observations.csv
    python benchmarks/observations.py --csv observations.csv --runs 0

Two models are trained for each seed: the default, and one whose images relate within sets of four
of one typeface. Of the latter, predictions of images that relate to themselves alone are averaged
too. Temperatures are found on validation images. A seed that is in the file is not run again.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from csv_rows import add_rows, read_rows
from measure import console_for_tables, machine
from rich.table import Table

from keras_rbi import evaluation, training
from keras_rbi.datasets import ImageSequence
from keras_rbi.datasets.observations import images_of_observations
from keras_rbi.evaluation.observation_calibration import best_temperature
from keras_rbi.evaluation.observation_draws import drawn_images
from keras_rbi.evaluation.observation_probabilities import mean_log_probabilities
from keras_rbi.evaluation.related_outputs import own_outputs
from keras_rbi.training.build import build_model

SIZES = (1, 2, 4, 8)
IMAGES = 8
SET = 4
# Relations take longer than means.
DRAWS = {"mean": 10, "related within, mean": 2}
SETS_AT_A_TIME = 64
MODELS: dict[str, dict[str, Any]] = {
    "default": {},
    "within sets": {
        "sampling": "observations",
        "images_per_observation": SET,
        "group_size": SET,
    },
}
FIELDS = [
    "model",
    "predictions",
    "seed",
    "images",
    "top1",
    "loss",
    "ece",
    "calibrated_ece",
    "temperature",
    "per_class",
    "epochs",
    "backend",
]


def observed(data: Any, images: int | None) -> list[str]:
    """What the images are of: so many of one typeface are one thing, or all of it with `None`."""
    names, seen = [], dict.fromkeys(range(len(data.class_names)), 0)
    for label in data.labels.tolist():
        part = 0 if images is None else seen[label] // images
        names.append(f"{data.class_names[label]}-{part}")
        seen[label] += 1
    return names


def trained(settings: training.TrainingSettings, data: Any) -> keras.Model:
    """A model, trained in one thread: on a busy machine threads wait for each other."""
    sampling = {name: getattr(settings, name) for name in ("sampling", "images_per_observation")}
    sequence = ImageSequence(data, settings.batch_size, seed=settings.seed, workers=0, **sampling)
    model = build_model(settings, data.class_names, len(sequence))
    for epoch in range(1, settings.epochs + 1):
        sequence.epoch = epoch
        for number in range(len(sequence)):
            model.train_on_batch(*sequence[number])
    return model


def related(extracted: Any, rows: np.ndarray) -> np.ndarray:
    """Predictions of images that relate within sets, shape `(sets, images, classes)`."""
    model, found = extracted.model, []
    with model.use_relations("batch"):
        for begin in range(0, len(rows), SETS_AT_A_TIME):
            some = rows[begin : begin + SETS_AT_A_TIME]
            images = extracted.images[some.reshape(-1)]
            images = images.reshape(*some.shape, *images.shape[1:])
            features = extracted.features[some.reshape(-1)].reshape(*some.shape, -1)
            relations = model.encode_relations(images)
            taken = model.attend(model.unpack(features), relations, training=False)
            predicted = model.classify(taken, training=False)
            found.append(keras.ops.convert_to_numpy(predicted))
    return np.concatenate(found)


def scores(found: dict[str, Any], size: int) -> dict[str, Any]:
    """Scores on test images, with the temperature of the validation images and without.

    Args:
        found: From `"validation"` and `"test"` to probabilities `(draws, images, classes)`, labels
            of the draws, and the number of observations.
        size: Images of a draw.
    """
    probabilities, labels, count = found["validation"]
    temperature = best_temperature(mean_log_probabilities(probabilities), labels, count)
    probabilities, labels, _ = found["test"]
    raw, calibrated = (
        evaluation.classification_scores(
            evaluation.observation_probabilities(probabilities, value), labels
        )
        for value in (1.0, temperature)
    )
    return {
        "images": size,
        "top1": round(100 * raw.top1, 2),
        "loss": round(calibrated.loss, 4),
        "ece": round(100 * raw.calibration_error, 2),
        "calibrated_ece": round(100 * calibrated.calibration_error, 2),
        "temperature": round(temperature, 3),
    }


def measure(name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Trains one model, and measures it with each number of images."""
    settings = training.TrainingSettings(
        per_class=options.per_class,
        epochs=options.epochs,
        image_size=options.image_size,
        seed=seed,
        **MODELS[name],
    ).resolved()
    data = training.read_data(settings)
    for split, one in data.items():
        one.observations = observed(one, None if split == "train" else IMAGES)
    model = trained(settings, data["train"])
    extracted, members = {}, {}
    for split in ("validation", "test"):
        sequence = ImageSequence(data[split], shuffle="once", seed=seed, workers=0)
        extracted[split] = evaluation.extract_features(model, sequence)
        observations, labels = sequence.observations, extracted[split].labels
        members[split] = list(images_of_observations(observations, labels).values())
    alone = {split: own_outputs(one, 32, np.arange(len(one))) for split, one in extracted.items()}
    kinds = dict(DRAWS) if name == "within sets" else {"mean": DRAWS["mean"]}
    for kind, draws in kinds.items():
        for size in SIZES:
            found = {}
            for split, one in extracted.items():
                rows = drawn_images(members[split], size, draws)
                probabilities = alone[split][rows] if kind == "mean" else related(one, rows)
                count = sum(len(each) >= size for each in members[split])
                found[split] = probabilities, one.labels[rows[:, 0]], count
            yield {"predictions": kind, **scores(found, size)}


def summary(rows: Sequence[dict[str, str]]) -> Iterator[list[str]]:
    """For each model and number of images: means over seeds, with standard deviations."""
    kinds = dict.fromkeys((row["model"], row["predictions"]) for row in rows)
    for kind in kinds:
        for size in SIZES:
            some = [
                row
                for row in rows
                if (row["model"], row["predictions"], row["images"]) == (*kind, str(size))
            ]
            values = {
                name: np.array([float(row[name]) for row in some])
                for name in ("top1", "ece", "calibrated_ece", "temperature")
            }
            cells = [
                f"{each.mean():.2f}" + (f" ± {each.std(ddof=1):.2f}" if len(each) > 1 else "")
                for each in values.values()
            ]
            yield [*kind, str(size), str(len(some)), *cells]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures the seeds that are missing, and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--csv", type=Path, required=True, metavar="FILE", help="the rows; those in it are kept")
    add("--models", nargs="*", choices=MODELS, default=list(MODELS))
    add("--seeds", nargs="*", type=int, default=range(5))
    add("--per-class", type=int, default=40)
    add("--epochs", type=int, default=30)
    add("--image-size", type=int, default=64)
    add("--runs", type=int, help="at most so many (default: all)")
    options = parser.parse_args(arguments)

    training.keep_freed_memory()
    done = {(row["model"], row["seed"]) for row in read_rows(options.csv)}
    missing = [
        (name, seed)
        for seed in options.seeds
        for name in options.models
        if (name, str(seed)) not in done
    ]
    for name, seed in missing[: options.runs]:
        keras.utils.clear_session()
        shared = {
            "model": name,
            "seed": seed,
            "per_class": options.per_class,
            "epochs": options.epochs,
            "backend": keras.config.backend(),
        }
        # Together, so that a run that was killed leaves none or all.
        add_rows(options.csv, FIELDS, [{**shared, **row} for row in measure(name, seed, options)])
    table = Table(
        *["model", "predictions", "images", "seeds", "top-1 (%)"],
        *["ECE (%)", "calibrated", "temperature"],
        title=f"Typefaces, {machine()['cpu']}",
    )
    for cells in summary(read_rows(options.csv)):
        table.add_row(*cells)
    console_for_tables().print(table)


if __name__ == "__main__":
    main()
