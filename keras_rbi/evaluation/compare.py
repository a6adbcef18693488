"""Paired comparison of two models on the same test images."""

import functools
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.evaluation.comparison import ComparedModel, Comparison
from keras_rbi.evaluation.cost import interleaved_times, peak_bytes
from keras_rbi.evaluation.evaluate_protocol import shuffled_order
from keras_rbi.evaluation.extract_features import batches_once, extract_features
from keras_rbi.evaluation.paired_statistics import mcnemar, paired_bootstrap
from keras_rbi.evaluation.related_outputs import own_outputs
from keras_rbi.models.batches import to_numpy
from keras_rbi.models.image_size import image_size_of
from keras_rbi.models.keras_classifier import relations_of
from keras_rbi.models.loading import load_model

REPEATS = 10


def compare(
    run_a: keras.Model | str | Path,
    run_b: keras.Model | str | Path,
    data: Any,
    batch_size: int = 32,
    seed: int = 0,
    confidence: float = 0.95,
    repeats: int = REPEATS,
    names: tuple[str, str] | None = None,
) -> Comparison:
    """Compares two models, paired over the same test images.

    Each predicts in the relations mode that it is in, in one shuffled order. Time and memory are
    those of `predict_on_batch` on one batch; the models take turns while time is measured. Models
    of different image sizes are paired over the same files, which each reads at its own size.

    Args:
        run_a: A `keras.Model`, a run folder, or a `.keras` file.
        run_b: Likewise.
        data: As in `evaluate_protocol`; an `ImageSequence` of files where the models take images of
            different sizes.
        batch_size: Integer, of the test batches and of the batch that is timed. Defaults to `32`.
        seed: Integer, of the order and of the bootstrap. Defaults to `0`.
        confidence: Of the interval, between 0 and 1. Defaults to `0.95`.
        repeats: Integer, times that each is timed; 0 leaves time and memory out. Defaults to `10`.
        names: What to call the two. Defaults to `None`: their paths, or names of the models.

    Returns:
        A `Comparison`.

    Raises:
        ValueError: If there is no model in a path, if the models have other classes, or if the data
            does not fit them.

    Example:

    >>> test = keras_rbi.datasets.typefaces.load("test", per_class=1, image_size=16)
    >>> backbone = keras_rbi.backbones.SmallCNN((16, 16, 3))
    >>> a = keras_rbi.models.backbone_classifier(backbone, 22)
    >>> b = keras_rbi.RBIModel(backbone, class_names=test.class_names, embedding_dim=16)
    >>> found = keras_rbi.evaluation.compare(a, b, test, repeats=1)
    >>> found.images, found.a.relations, found.b.relations
    (22, 'none', 'self')
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"`confidence` must be between 0 and 1. Received: {confidence!r}.")
    models = [_loaded(run) for run in (run_a, run_b)]
    names = names or (_name_of(run_a), _name_of(run_b))
    _check_alike(models, data)
    own = [_at_size_of(model, data) for model in models]
    predictions, labels = zip(
        *(
            _right_predictions(model, images, batch_size, seed)
            for model, images in zip(models, own, strict=True)
        ),
        strict=True,
    )
    if not np.array_equal(*labels):
        raise ValueError(
            "The data comes in another order each time it is read, so the models cannot be paired. "
            "Pass one that is not shuffled."
        )
    right_a, right_b = predictions
    seconds: list[float | None] = [None, None]
    peaks: list[int | None] = [None, None]
    if repeats > 0:
        seconds, peaks = _cost(models, own, batch_size, repeats)
    rows = [
        ComparedModel(
            name,
            relations_of(model),
            float(np.mean(right)),
            model.count_params(),
            one_time,
            peak,
            model.input_shape[1],
        )
        for name, model, right, one_time, peak in zip(
            names, models, predictions, seconds, peaks, strict=True
        )
    ]
    interval = paired_bootstrap(right_a, right_b, confidence, seed=seed)
    difference = float(np.mean(right_b)) - float(np.mean(right_a))
    return Comparison(
        a=rows[0],
        b=rows[1],
        difference=difference,
        interval=interval,
        confidence=confidence,
        mcnemar=mcnemar(right_a, right_b),
        images=len(right_a),
        batch_size=batch_size,
        seed=seed,
    )


def _right_predictions(
    model: keras.Model, data: Any, batch_size: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where a model is right in its own mode, and the labels, in the data's order."""
    extracted = extract_features(model, data)
    outputs = own_outputs(extracted, batch_size, shuffled_order(len(extracted), seed))
    return np.argmax(outputs, -1) == extracted.labels, extracted.labels


def _check_alike(models: list[keras.Model], data: Any) -> None:
    """Refuses models of other classes, or of images that the data does not have for both."""
    (images_a, classes_a), (images_b, classes_b) = (
        (model.input_shape[1:], model.output_shape[-1]) for model in models
    )
    received = (
        f"Received: images of {images_a} and {classes_a} classes, and images of {images_b} and "
        f"{classes_b} classes."
    )
    if classes_a != classes_b:
        raise ValueError(f"The models must tell the same classes apart. {received}")
    if images_a != images_b and not isinstance(data, ImageSequence):
        raise ValueError(
            "Models of different image sizes are compared over files, as an ImageSequence of "
            f"ImageFiles reads them, and not over arrays. {received}"
        )


def _at_size_of(model: keras.Model, data: Any) -> Any:
    """The data at the size that a model takes, where it can be read anew."""
    return data.at_size(image_size_of(model)) if isinstance(data, ImageSequence) else data


def _cost(
    models: list[keras.Model], data: list[Any], batch_size: int, repeats: int
) -> tuple[list[float | None], list[int | None]]:
    """Seconds for an image and peak bytes of each model, on images of its own size."""
    calls: dict[str, Callable[[], Any]] = {}
    for name, model, own in zip("ab", models, data, strict=True):
        images = to_numpy(next(iter(batches_once(own)))[0])
        batch = np.resize(images, (batch_size, *images.shape[1:]))
        calls[name] = functools.partial(model.predict_on_batch, batch)
    for warm_up in calls.values():
        warm_up()
    times = interleaved_times(calls, repeats).values()
    seconds: list[float | None] = [statistics.median(each) / batch_size for each in times]
    return seconds, [peak_bytes(call) for call in calls.values()]


def _loaded(run: keras.Model | str | Path) -> keras.Model:
    if isinstance(run, keras.Model):
        return run
    path = Path(run)
    # The name that a run folder gives its model.
    file = path / "model.keras" if path.is_dir() else path
    if not file.is_file():
        raise ValueError(f"There is no model {str(file)!r}. Name a run folder or a .keras file.")
    return load_model(file)


def _name_of(run: keras.Model | str | Path) -> str:
    return str(run.name) if isinstance(run, keras.Model) else str(run)
