"""One run of a peer, and a grid of runs that goes on where it was stopped.

A finished run is a row of a CSV file. A run whose settings are in the file is not repeated.
"""

import csv
import functools
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from applications.paper.frozen import features_of, train_head
from applications.paper.peers import ALL, build
from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.evaluation.accuracy_by_relations import accuracies_of
from keras_rbi.evaluation.extract_features import ExtractedFeatures, extract_features
from keras_rbi.evaluation.kept_images import KeptImages
from keras_rbi.models.keras_classifier import relations_of
from keras_rbi.models.variants import OF_0_1
from keras_rbi.training import TrainingSettings, load_split
from keras_rbi.training.averaged_weights import take_averages
from keras_rbi.training.choices import FLOAT32
from keras_rbi.training.compile_stage import compile_stage
from keras_rbi.training.feature_head import Head, orders_of
from keras_rbi.training.fit_data import fit_data
from keras_rbi.training.stages import stages

BATCH_SIZES = (8, 32)
TIMED_BATCH = 32
TIMES = 5
# What does not change the data of a run.
NOT_DATA = {"method": "backbone", "rbi": False, "variant": None, "relation_dropout": None,
            "share_classifier": False, "epochs": 1, "learning_rate": 0.1, "embedding_dim": 1,
            "freeze": None, "freeze_batch_norms": None}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What is to be run: the name of a peer, and resolved settings."""

    peer: str
    settings: TrainingSettings

    @property
    def key(self) -> str:
        """The run's name and its settings, but where its data lies, as JSON."""
        settings = {
            name: value
            for name, value in sorted(self.settings.as_dict().items())
            if value not in (None, False)
            # What changes no number; a batch is the same however many devices hold it.
            and name not in ("data_dir", "on_error", "devices")
            # Which had no names when the first rows were written.
            and (name, value) not in (("variant", OF_0_1), ("precision", FLOAT32))
        }
        settings["dataset"] = Path(self.settings.dataset).name
        return json.dumps({"peer": self.peer, **settings})


def trained(run: Run) -> tuple[keras.Model, ImageSequence]:
    """Trains a model as `keras-rbi train` does, without a run folder.

    Args:
        run: The run.

    Returns:
        The model and the test images.
    """
    settings = run.settings
    training = _split(_data_settings(settings), "train")
    model = build(ALL[run.peer], settings, training.class_names, len(training))
    if settings.freeze == "backbone":
        features = _features(_feature_settings(settings), "train")
        train_head(model, training, features, settings.epochs)
    else:
        fit(model, settings, training)
    return model, _split(_data_settings(settings), "test")


def fit(model: keras.Model, settings: TrainingSettings, training: ImageSequence) -> None:
    """Trains a compiled model through the stages of its settings."""
    for stage in stages(settings):
        if stage.first_epoch:
            take_averages(model)
            compile_stage(model, settings, stage, len(training))
        model.fit(
            fit_data(training, stage.first_epoch),
            shuffle=False,
            initial_epoch=stage.first_epoch,
            epochs=stage.end_epoch,
            verbose=0,
        )
    take_averages(model)


def measured(run: Run, batch_sizes: Sequence[int] = BATCH_SIZES) -> list[dict[str, Any]]:
    """Trains a model and tests it.

    Args:
        run: The run.
        batch_sizes: Test batch sizes for relations "batch".

    Returns:
        The row of the run, a dictionary from columns to values.
    """
    settings = run.settings
    start = time.perf_counter()
    model, test = trained(run)
    seconds = time.perf_counter() - start
    relations = relations_of(model)
    found = accuracies(run, model, "test", batch_sizes)
    validation = accuracies(run, model, "validation", (TIMED_BATCH,))
    mode = "batch_32" if relations == "batch" else "self"
    row = {
        "peer": run.peer,
        "backbone": settings.backbone,
        "frozen": "yes" if settings.freeze == "backbone" else "no",
        "dataset": Path(settings.dataset).name,
        "per_class": settings.per_class,
        "seed": settings.seed,
        "accuracy": found[mode],
        "relations": relations,
        "accuracy_self": found["self"],
        "accuracy_batch": json.dumps(
            {size: found[f"batch_{size}"] for size in batch_sizes if f"batch_{size}" in found}
        ),
        "validation_accuracy": validation[mode],
        "parameters": model.count_params(),
        "ms_per_image": milliseconds_per_image(model, test),
        "seconds": round(seconds, 1),
        "test_images": test.num_images,
        "backend": keras.config.backend(),
        "versions": json.dumps({name: version(name) for name in ("keras", keras.config.backend())}),
        "settings": run.key,
    }
    return [row]


def accuracies(
    run: Run, model: keras.Model, split: str, batch_sizes: Sequence[int]
) -> dict[str, float]:
    """Top-1 accuracy alone ("self"), and in batches ("batch_32") where images relate.

    The images come in one shuffled order. The backbone runs once for each of them, and not at all
    where it was frozen.
    """
    images = _split(_data_settings(run.settings), split)
    if run.settings.freeze == "backbone":
        extracted = _extracted(model, images, _features(_feature_settings(run.settings), split))
    else:
        extracted = extract_features(model, images)
    return {
        "self" if row.batch_size is None else f"batch_{row.batch_size}": round(row.accuracy, 6)
        for row in accuracies_of(extracted, batch_sizes)
    }


def _extracted(
    model: keras.Model, images: ImageSequence, features: np.ndarray
) -> ExtractedFeatures:
    """As `extract_features`, from features of a frozen backbone in the order of the data."""
    order = np.concatenate([numbers for numbers, _ in orders_of(images)])
    labels = images.data.labels[order]
    if model.relations is None:
        found = Head(model).predict(features, 128, verbose=0)
        return ExtractedFeatures(model, labels, outputs=np.asarray(found, "float32")[order])
    embedded = np.concatenate(
        [
            np.asarray(keras.ops.convert_to_numpy(model.embed_maps(part)))
            for part in np.array_split(features, max(1, len(features) // 128))
        ]
    )
    kept = KeptImages()
    kept.add(np.stack([images.data.image(int(number)) for number in order]))
    return ExtractedFeatures(model, labels, kept, features=embedded[order])


def milliseconds_per_image(model: keras.Model, test: ImageSequence) -> float:
    """Median time to classify an image in a batch of 32."""
    images = np.stack([test.data.image(number % len(test.data)) for number in range(TIMED_BATCH)])
    model.predict_on_batch(images)
    times = []
    for _ in range(TIMES):
        start = time.perf_counter()
        model.predict_on_batch(images)
        times.append(time.perf_counter() - start)
    return round(1000 * float(np.median(times)) / TIMED_BATCH, 4)


def _data_settings(settings: TrainingSettings) -> TrainingSettings:
    return replace(settings, **NOT_DATA)


def _feature_settings(settings: TrainingSettings) -> TrainingSettings:
    return replace(settings, **NOT_DATA, sampling="shuffled", images_per_class=None)


@functools.lru_cache(maxsize=4)
def _split(settings: TrainingSettings, split: str) -> ImageSequence:
    return load_split(settings, split)


@functools.lru_cache(maxsize=3)
def _features(settings: TrainingSettings, split: str) -> np.ndarray:
    return features_of(settings, _split(settings, split).data)


def finished(file: Path) -> list[dict[str, str]]:
    """The rows of the runs that a file has."""
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as stream:
        # A row that a killed run has left half is none.
        return [row for row in csv.DictReader(stream) if row["settings"]]


def run_grid(
    runs: Iterable[Run],
    file: Path,
    measure: Callable[[Run], list[dict[str, Any]]] = measured,
    progress: Callable[[str], Any] = print,
) -> list[dict[str, str]]:
    """Runs what a file does not have, and adds its rows after each run.

    Args:
        runs: The runs, in their order.
        file: The CSV file.
        measure: Function of a run that gives its rows, each with the run's key as `settings`.
        progress: Called with a line before each run.

    Returns:
        The rows of these runs, as they are in the file.
    """
    runs = list(runs)
    known = {row["settings"] for row in finished(file)}
    for number, run in enumerate(runs, start=1):
        if run.key in known:
            continue
        settings = run.settings
        progress(
            f"{number}/{len(runs)}: {run.peer}, {settings.backbone}, {settings.per_class} images "
            f"a class, seed {settings.seed}"
        )
        keras.utils.clear_session()
        _append(file, measure(run))
        known.add(run.key)
    wanted = {run.key for run in runs}
    return [row for row in finished(file) if row["settings"] in wanted]


def _append(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    is_new = not file.is_file()
    is_torn = not is_new and not file.read_bytes().endswith(b"\n")
    with file.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
        if is_torn:
            stream.write("\n")
        if is_new:
            writer.writeheader()
        writer.writerows(rows)
