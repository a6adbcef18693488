"""Scores against the number of images of one thing."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from keras_rbi.datasets.observations import images_of_observations
from keras_rbi.evaluation.classification_scores import (
    ClassificationScores,
    classification_scores,
    probabilities_of,
)
from keras_rbi.evaluation.extract_features import ExtractedFeatures
from keras_rbi.evaluation.observation_calibration import ObservationCalibration
from keras_rbi.evaluation.observation_draws import DRAWS, drawn_images, sizes_to_draw
from keras_rbi.evaluation.observation_probabilities import observation_probabilities
from keras_rbi.evaluation.related_outputs import own_outputs
from keras_rbi.models.head_activation import head_activation

BATCH = 32


@dataclass(frozen=True)
class ObservationRow:
    """Scores of predictions from so many images of one thing.

    Attributes:
        images: Number of images of a prediction, or `None` for all that an observation has.
        observations: Number of observations that have as many.
        top1: Share of predictions whose likeliest class is right, from 0 to 1.
        top5: As `top1`, for the five likeliest.
        loss: Mean cross-entropy in nats.
        calibration_error: Expected calibration error, from 0 to 1.
    """

    images: int | None
    observations: int
    top1: float
    top5: float
    loss: float
    calibration_error: float

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class ObservationScores:
    """Scores by the number of images of one thing.

    Attributes:
        rows: An `ObservationRow` for 1, 2, 4, 8 ... images, and one for all.
        images: Number of test images.
        observations: Number of their observations.
        calibrated: Whether temperatures were known.
    """

    rows: tuple[ObservationRow, ...]
    images: int
    observations: int
    calibrated: bool

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return {
            "images": self.images,
            "observations": self.observations,
            "calibrated": self.calibrated,
            "rows": [row.as_dict() for row in self.rows],
        }

    def csv(self) -> str:
        """The rows as comma-separated values under a line of names; all images are `all`."""
        text = io.StringIO()
        names = [field.name for field in fields(ObservationRow)]
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row.as_dict(), "images": row.images or "all"} for row in self.rows)
        return text.getvalue()

    def table(self) -> Table:
        """The rows as a table for people."""
        table = Table(title=self.title, box=box.SIMPLE_HEAD, padding=0, show_edge=False)
        names = ("images", "observations", "top-1 (%)", "top-5 (%)", "loss (nats)", "ECE (%)")
        for name in names:
            table.add_column(name, justify="right", no_wrap=True)
        for row in self.rows:
            table.add_row(
                "all" if row.images is None else str(row.images),
                f"{row.observations:,}",
                *(f"{100 * value:.1f}" for value in (row.top1, row.top5)),
                f"{row.loss:.3f}",
                f"{100 * row.calibration_error:.1f}",
            )
        return table

    @property
    def title(self) -> str:
        """How many images and observations, and how sure predictions are."""
        how = "calibrated on validation images" if self.calibrated else "not calibrated"
        return (
            f"{self.images:,} test images of {self.observations:,} observations, one prediction "
            f"from several images, {how}"
        )


def evaluate_observations(
    probabilities: np.ndarray,
    labels: np.ndarray,
    observations: Sequence[str],
    calibration: ObservationCalibration | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> ObservationScores:
    """Scores of one prediction for several images of one thing, against their number.

    Of each observation 1, 2, 4, 8 ... images are drawn, several times; with more images, those
    observations that have as many. All count alike, however many images they have. The last row is
    of all images of each.

    Args:
        probabilities: Of the images, shape `(images, classes)`.
        labels: Integers, shape `(images,)`.
        observations: What each image is of.
        calibration: How sure predictions may be. Defaults to `None`: temperatures of 1.
        draws: Integer, draws from each observation. Defaults to `10`.
        seed: Integer, of the draws. Defaults to `0`.

    Returns:
        An `ObservationScores`.

    Raises:
        ValueError: If there is not one observation for each image.

    Example:

    >>> images = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])
    >>> found = keras_rbi.evaluation.evaluate_observations(
    ...     images, np.array([0, 0, 1, 1]), ["a", "a", "b", "b"]
    ... )
    >>> [(row.images, row.top1) for row in found.rows][1:]
    [(2, 1.0), (None, 1.0)]
    """
    if len(observations) != len(labels):
        raise ValueError(
            "There must be one observation for each image. Received: "
            f"{len(observations):,} observations and {len(labels):,} labels."
        )
    calibration = calibration or ObservationCalibration()
    members = list(images_of_observations(observations, labels).values())
    rows = []
    for size in sizes_to_draw([len(each) for each in members]):
        drawn = drawn_images(members, size, draws, seed)
        of_size = observation_probabilities(probabilities[drawn], calibration.temperature(size))
        count = sum(len(each) >= size for each in members)
        rows.append(_row(size, count, classification_scores(of_size, labels[drawn[:, 0]])))
    whole = [
        observation_probabilities(probabilities[each], calibration.temperature(len(each)))
        for each in members
    ]
    first = np.array([each[0] for each in members])
    rows.append(_row(None, len(members), classification_scores(np.array(whole), labels[first])))
    return ObservationScores(tuple(rows), len(labels), len(members), bool(calibration.temperatures))


def observation_scores(
    extracted: ExtractedFeatures,
    observations: Sequence[str] | None,
    calibration: ObservationCalibration | None = None,
) -> ObservationScores | None:
    """As `evaluate_observations`, of what `extract_features` has made.

    Args:
        extracted: The test images. Where they relate to their batch, batches are of 32, shuffled.
        observations: What each image is of, in their order, or `None` where that is not known.
        calibration: As in `evaluate_observations`. Defaults to `None`.

    Returns:
        An `ObservationScores`; `None` without observations.
    """
    if observations is None:
        return None
    order = np.random.default_rng(0).permutation(len(extracted))
    outputs = own_outputs(extracted, BATCH, order)
    probabilities = probabilities_of(outputs, head_activation(extracted.model))
    return evaluate_observations(probabilities, extracted.labels, observations, calibration)


def _row(images: int | None, count: int, scores: ClassificationScores) -> ObservationRow:
    return ObservationRow(images, count, **scores.as_dict())
