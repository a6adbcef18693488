"""How sure a prediction from several images may be: a temperature for each number of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_softmax

from keras_rbi.datasets.observations import images_of_observations
from keras_rbi.evaluation.observation_draws import drawn_images, sizes_to_draw
from keras_rbi.evaluation.observation_probabilities import mean_log_probabilities

# Of fewer observations a temperature would be chance.
LEAST_OBSERVATIONS = 10
COLDEST, HOTTEST = 0.05, 20.0


@dataclass(frozen=True)
class ObservationCalibration:
    """Temperatures of `observation_probabilities` by the number of images.

    Attributes:
        temperatures: From numbers of images to temperatures; none, where nothing was calibrated.

    Example:

    >>> known = keras_rbi.evaluation.ObservationCalibration({1: 1.0, 4: 0.5})
    >>> known.temperature(2), known.temperature(100)
    (0.75, 0.5)
    """

    temperatures: Mapping[int, float] = field(default_factory=dict)

    def temperature(self, images: int) -> float:
        """The temperature for so many images.

        Between two known numbers it goes along a line over their logarithm; above the largest it
        is that of the largest, so that more images than were ever tried make nothing surer.
        """
        if not self.temperatures:
            return 1.0
        sizes = sorted(self.temperatures)
        values = [self.temperatures[size] for size in sizes]
        return float(np.interp(np.log(images), np.log(sizes), values))

    def as_dict(self) -> dict[str, Any]:
        """The temperatures, ready for JSON."""
        return {"temperatures": {str(size): value for size, value in self.temperatures.items()}}

    @classmethod
    def from_dict(cls, content: Any) -> "ObservationCalibration":
        """What `as_dict` gave.

        Raises:
            ValueError: If it is something else.
        """
        try:
            found = {int(size): float(value) for size, value in content["temperatures"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"it holds no temperatures of observations ({error!r})") from error
        if not all(size > 0 and 0 < value < np.inf for size, value in found.items()):
            raise ValueError("temperatures must be above 0")
        return cls(found)


def calibrate_observations(
    probabilities: np.ndarray, labels: np.ndarray, observations: Sequence[str], seed: int = 0
) -> ObservationCalibration:
    """Temperatures for 1, 2, 4, 8 ... images of one thing, found on validation images.

    Of each observation so many images are drawn, several times; the temperature is that with which
    the mean probability of the likeliest class is the share of predictions that are right.

    Args:
        probabilities: Of the validation images, shape `(images, classes)`.
        labels: Integers, shape `(images,)`.
        observations: What each image is of.
        seed: Integer, of the draws. Defaults to `0`.

    Returns:
        An `ObservationCalibration`, for the numbers of images that at least ten observations have.

    Reference:
        [Guo et al., 2017](https://arxiv.org/abs/1706.04599), temperatures;
        [Clarté et al., 2023](https://arxiv.org/abs/2303.02644), as sure as right in the mean.
    """
    members = images_of_observations(observations, labels)
    sizes = sizes_to_draw([len(each) for each in members.values()], LEAST_OBSERVATIONS)
    found = {}
    for size in sizes:
        rows = drawn_images(list(members.values()), size, seed=seed)
        count = sum(len(each) >= size for each in members.values())
        logarithms = mean_log_probabilities(probabilities[rows])
        found[size] = best_temperature(logarithms, labels[rows[:, 0]], count)
    return ObservationCalibration(found)


def best_temperature(logarithms: np.ndarray, labels: np.ndarray, count: int | None = None) -> float:
    """The temperature with which predictions are as sure, in the mean, as they are right.

    Of N that count, of which R are right, (R + 1) / (N + 2) is taken for the share of right ones:
    few observations, all of them right, make nothing surer than they can tell.

    Args:
        logarithms: Logarithms of probabilities up to a constant, shape `(rows, classes)`.
        labels: Integers, shape `(rows,)`.
        count: Integer, how many rows tell something of their own. Defaults to `None`, all.

    Returns:
        Float from 0.05 to 20.

    Example:

    >>> from keras_rbi.evaluation.observation_calibration import best_temperature
    >>> sure = np.log(np.array([[0.99, 0.01]] * 98))
    >>> found = best_temperature(sure, np.array([0] * 74 + [1] * 24))
    >>> round(1 / (1 + (0.01 / 0.99) ** (1 / found)), 6)
    0.75
    """
    count = len(labels) if count is None else count
    right = float(np.mean(logarithms.argmax(-1) == labels))
    share = (right * count + 1.0) / (count + 2.0)

    def too_sure(log_temperature: float) -> float:
        logs = log_softmax(logarithms / np.exp(log_temperature), -1)
        return float(np.exp(logs.max(-1)).mean()) - share

    low, high = np.log(COLDEST), np.log(HOTTEST)
    # Surer the colder: between the two bounds it is found once, or else one of them is nearest.
    if too_sure(low) <= 0:
        return COLDEST
    if too_sure(high) >= 0:
        return HOTTEST
    return float(np.exp(brentq(too_sure, low, high)))
