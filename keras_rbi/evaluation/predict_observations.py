"""One prediction for the image files of each observation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_rbi.evaluation.observation_calibration import ObservationCalibration
from keras_rbi.evaluation.observation_probabilities import (
    image_supports,
    observation_probabilities,
)
from keras_rbi.evaluation.predict_files import BATCH_SIZE, FilePrediction, classify_each
from keras_rbi.evaluation.top_classes import top_classes
from keras_rbi.models.keras_classifier import classifier_of, relations_of


@dataclass(frozen=True)
class ObservationPrediction:
    """An observation, its probabilities, and what each of its images adds to them.

    Attributes:
        name: The observation.
        images: A `FilePrediction` for each of its images that could be read.
        unreadable: A `FilePrediction` for each that could not, with the reason.
        probabilities: float array of shape `(classes,)`; `None` where no image could be read.
        supports: What each of `images` adds to the logarithm of the odds of the likeliest class
            against the second, in nats; below 0 where it speaks for the second.
        class_names: Names of the classes.
    """

    name: str
    images: Sequence[FilePrediction] = ()
    unreadable: Sequence[FilePrediction] = ()
    probabilities: np.ndarray | None = None
    supports: Sequence[float] = ()
    class_names: Sequence[str] = ()

    @property
    def class_name(self) -> str | None:
        """The likeliest class, or `None` where no image could be read."""
        return self.top(1)[0][0] if self.probabilities is not None else None

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """The likeliest classes and their probabilities, the likeliest first."""
        if self.probabilities is None:
            return []
        best = top_classes(self.probabilities, self.class_names, count)
        return [(each["class"], each["probability"]) for each in best]


def predict_observations(
    model: Any,
    observations: Mapping[str, Sequence[str | Path]],
    class_names: Sequence[str] | None = None,
    calibration: ObservationCalibration | None = None,
    relations: str | None = None,
    batch_size: int = BATCH_SIZE,
) -> Iterator[ObservationPrediction]:
    """One prediction for the images of each observation, as they become known.

    It is the mean of the log-probabilities of the images, made as sure as validation images say
    that it may be. An image that cannot be read is left out, and told of.

    Args:
        model: A classifier of square RGB images.
        observations: From names to image files.
        class_names: Names of the classes. Defaults to `None`, those that the model has.
        calibration: How sure predictions may be, as `calibrate_observations` finds it and a run
            keeps it (`keras_rbi.training.observation_calibration`). Defaults to `None`:
            temperatures of 1.
        relations: `"batch"` relates the images of an observation to each other: each is a batch
            of its own. That is for models that were trained so, in groups of images of one thing
            (`group_size`); it has not been better than the mean alone, and temperatures are found
            without it. Defaults to `None`, as the model itself.
        batch_size: Integer, images in a batch. Defaults to `32`.

    Yields:
        An `ObservationPrediction` for each, in their order.

    Raises:
        ValueError: If an observation has no image, or if the model cannot relate images that way.

    Example:

    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> backbone = keras_rbi.backbones.SmallCNN((16, 16, 3))
    >>> model = keras_rbi.RBIModel(backbone, class_names=["wren", "robin"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = [Path(folder) / name for name in ("1.png", "2.png")]
    ...     for number, file in enumerate(files):
    ...         Image.new("RGB", (20, 20), (90 * number, 0, 0)).save(file)
    ...     nests = {"nest 7": files}
    ...     (found,) = keras_rbi.evaluation.predict_observations(model, nests)
    >>> found.name, len(found.images), found.probabilities.shape
    ('nest 7', 2, (2,))
    """
    if empty := [name for name, files in observations.items() if not len(files)]:
        raise ValueError(f"Every observation needs an image. Received: none of {empty[0]!r}.")
    mode = relations or relations_of(model)
    calibration = calibration or ObservationCalibration()
    if mode == "none":
        yield from _predicted(model, observations, class_names, calibration, batch_size)
        return
    with classifier_of(model).use_relations(mode):
        if mode != "batch":
            yield from _predicted(model, observations, class_names, calibration, batch_size)
            return
        for name, files in observations.items():
            yield from _predicted(model, {name: files}, class_names, calibration, len(files))


def observation_prediction(
    name: str,
    files: Sequence[FilePrediction],
    calibration: ObservationCalibration,
    class_names: Sequence[str] = (),
) -> ObservationPrediction:
    """The prediction for an observation, from those for its images.

    Args:
        name: The observation.
        files: The predictions for its images.
        calibration: As in `predict_observations`.
        class_names: Names of the classes. Defaults to none.

    Returns:
        An `ObservationPrediction`.
    """
    read = [each for each in files if each.probabilities is not None]
    broken = [each for each in files if each.probabilities is None]
    if not read:
        return ObservationPrediction(name, (), broken, class_names=class_names)
    rows = np.stack([each.probabilities for each in read if each.probabilities is not None])
    temperature = calibration.temperature(len(rows))
    return ObservationPrediction(
        name,
        read,
        broken,
        observation_probabilities(rows, temperature),
        image_supports(rows, temperature).tolist(),
        class_names or read[0].class_names,
    )


def _predicted(
    model: Any,
    observations: Mapping[str, Sequence[str | Path]],
    class_names: Sequence[str] | None,
    calibration: ObservationCalibration,
    batch_size: int,
) -> Iterator[ObservationPrediction]:
    every = [Path(file) for files in observations.values() for file in files]
    found = classify_each(model, every, class_names, batch_size)
    for name, files in observations.items():
        of_it = [next(found) for _ in files]
        yield observation_prediction(name, of_it, calibration, class_names or ())
