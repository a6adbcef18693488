"""The end of a training run: what is measured, and the files that it leaves."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_rbi.atomic_write import write_atomically
from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.datasets.catalogue import note_on
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation.accuracy_by_relations import (
    BATCH_SIZES,
    RelationsAccuracy,
    outputs_by_relations,
    right_of,
)
from keras_rbi.evaluation.classification_scores import calibration_error, probabilities_of
from keras_rbi.evaluation.extract_features import extract_features
from keras_rbi.evaluation.mistakes import mistakes
from keras_rbi.figures.training_curves import training_curves
from keras_rbi.models.head_activation import head_activation
from keras_rbi.models.keras_classifier import relations_of
from keras_rbi.models.loading import load_model
from keras_rbi.training.best_epoch import BestEpoch
from keras_rbi.training.build import in_float32
from keras_rbi.training.checkpoints import History
from keras_rbi.training.model_card import card_of
from keras_rbi.training.run_folder import RunFolder
from keras_rbi.training.settings import TrainingSettings

# Of the paper's test.
PAPERS_BATCH = 32


def finish(
    model: keras.Model,
    settings: TrainingSettings,
    folder: RunFolder,
    history: History,
    test: ImageSequence,
    keep_optimizer: bool = False,
    best: BestEpoch | None = None,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Measures a trained model, and writes what the folder of its run is to hold.

    Args:
        model: The model, with the weights that are to be kept.
        settings: Resolved settings of the run.
        folder: Its folder.
        history: Losses and accuracies of its epochs.
        test: The test images.
        keep_optimizer: Whether `model.keras` keeps the optimizer and its state; the model then
            computes as it was trained, else with float32.
        best: The epoch whose weights those are, or `None` for the last. Defaults to `None`.
        more: Further metrics. Defaults to none.

    Returns:
        The metrics, as in the folder's `metrics.json`.
    """
    if not keep_optimizer:
        model = in_float32(model, settings)
    extracted = extract_features(model, test)
    found = outputs_by_relations(extracted, BATCH_SIZES)
    rows = [
        RelationsAccuracy(mode, size, right_of(outputs, extracted.labels))
        for mode, size, outputs in found
    ]
    relations = relations_of(model)
    own = _of_the_model(found, relations)
    probabilities = probabilities_of(own, head_activation(model))
    classes = mistakes(own, extracted.labels, test.class_names).classes
    metrics = {
        "test_accuracy": right_of(own, extracted.labels),
        "relations": relations,
        "test_accuracy_by_relations": [row.as_dict() for row in rows],
        "test_accuracy_by_class": [one.as_dict() for one in classes],
        "test_calibration_error": calibration_error(probabilities, extracted.labels),
        "test_images": test.num_images,
        "classes": len(test.class_names),
        "test_order": f"shuffled once, seed {settings.seed}",
        "test_note": note_on(settings.dataset),
        "corrections_sha256": folder.corrections_digest(),
        "last_epoch": {name: values[-1] for name, values in history.items()},
        "best_epoch": None if best is None else asdict(best),
        "parameters": model.count_params(),
        "settings": settings.as_dict(),
        "backend": keras.config.backend(),
        "versions": {
            name: version(name) for name in ("keras", keras.config.backend(), "keras-rbi")
        },
        **(more or {}),
    }
    write_atomically(folder.model, lambda path: _save(model, path, keep_optimizer), durable=True)
    _write_history(folder, history)
    figure = training_curves(history, f"{settings.backbone} on {_short_name(settings.dataset)}")
    write_atomically(folder.curves, lambda path: figure.savefig(path, dpi=150))
    card = card_of(folder.path.absolute().name, test.class_names, metrics)
    write_atomically(folder.card, lambda path: path.write_text(card, "utf-8", "replace"))
    folder.write_json(folder.metrics, metrics)
    folder.remove_checkpoints()
    return metrics


def images_of_splits(training: ImageData, validation: ImageData, test: ImageData) -> dict[str, Any]:
    """Metrics of how many images there are, of the splits and of each class."""
    counts = np.bincount(training.labels, minlength=len(training.class_names))
    return {
        "images": {"train": len(training), "validation": len(validation), "test": len(test)},
        "training_images_by_class": counts.tolist(),
    }


def _save(model: keras.Model, path: Path, keep_optimizer: bool) -> None:
    model.save(path)
    if not keep_optimizer:
        # Saved and loaded, since Keras has no way to take an optimizer from a model.
        load_model(path, compile=False).save(path)


def _of_the_model(
    found: Sequence[tuple[str, int | None, np.ndarray]], relations: str
) -> np.ndarray:
    """Predictions in the model's own mode, at the paper's batch size where that matters."""
    return next(
        outputs
        for mode, size, outputs in found
        if mode == relations and size in (None, PAPERS_BATCH)
    )


def _short_name(dataset: str) -> str:
    return Path(dataset).name


def _write_history(folder: RunFolder, history: History) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", *history])
    for epoch, values in enumerate(zip(*history.values(), strict=True), start=1):
        writer.writerow([epoch, *values])
    write_atomically(folder.history, lambda path: path.write_text(text.getvalue(), "utf-8"))
