"""A learning rate range test: what a model's loss does while the rate rises from step to step."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from keras_rbi.datasets.batches.image_sequence import ImageSequence

# Between a rate that changes nothing and one that no network bears.
LOWEST, HIGHEST = 1e-6, 1.0
STEPS = 100
# Weight of the past in the smoothed loss.
SMOOTHING = 0.9
# Times the least loss so far, beyond which training has failed.
DIVERGED = 2.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RangeTest:
    """Losses at rising learning rates.

    Attributes:
        rates: float array of shape `(steps,)`, of the optimizer in each step.
        losses: float array of the same shape, the loss of each step's batch before the step.
        smoothed: float array of the same shape, their moving average.
        suggestion: Float, a rate to train with: where the smoothed loss falls fastest, for each
            factor that the rate grows by.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray

    @property
    def suggestion(self) -> float:
        """The learning rate at which the smoothed loss falls fastest."""
        return float(self.rates[_steepest(self.smoothed)])


def learning_rate_range_test(
    model: keras.Model,
    images: ImageSequence,
    steps: int = STEPS,
    lowest: float = LOWEST,
    highest: float = HIGHEST,
    progress: Progress = lambda *_: None,
) -> RangeTest:
    """Trains a model for some steps, with a learning rate that grows by the same factor in each.

    It ends early where the loss has grown far beyond its least. The weights are then those of a
    model that has failed: make another one to train it.

    Args:
        model: A compiled model. Variables that have a factor of the learning rate keep it.
        images: The training images.
        steps: Integer, at most how many. Defaults to `100`.
        lowest: Float, the first learning rate. Defaults to `1e-6`.
        highest: Float, the last one. Defaults to `1.0`.
        progress: Called with the numbers of done and of all steps. Defaults to nothing.

    Returns:
        A `RangeTest`.

    Raises:
        ValueError: If the range or the number of steps is not one.

    Reference:
        [Smith, 2017](https://arxiv.org/abs/1506.01186), section 3.3.
    """
    if not 0.0 < lowest < highest or steps < 2:
        raise ValueError(
            "A range test takes rates 0 < lowest < highest in two steps or more. Received: "
            f"lowest={lowest}, highest={highest} and steps={steps}."
        )
    rates = np.geomspace(lowest, highest, steps)
    _compile_with(model, lowest, highest, steps)
    losses: list[float] = []
    for number in range(steps):
        batch = images[number % len(images)]
        if number % len(images) == len(images) - 1:
            images.on_epoch_end()
        logs = model.train_on_batch(*batch, return_dict=True)
        losses.append(float(logs["loss"]))
        progress(number + 1, steps)
        smoothed = smooth(np.array(losses))
        if not np.isfinite(smoothed[-1]) or smoothed[-1] > DIVERGED * smoothed.min():
            break
    return RangeTest(rates[: len(losses)], np.array(losses), smoothed)


def _compile_with(model: keras.Model, lowest: float, highest: float, steps: int) -> None:
    """Compiles a model as it is, but for a learning rate that rises by a factor in each step."""
    rising = keras.optimizers.schedules.ExponentialDecay(lowest, steps - 1, highest / lowest)
    # In float16 it is wrapped in one that scales the loss, as `compile` will wrap the new one.
    former = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    optimizer = former.from_config(
        {
            **former.get_config(),
            "learning_rate": keras.saving.serialize_keras_object(rising),
        }
    )
    model.compile(optimizer, model.loss)


def smooth(losses: np.ndarray) -> np.ndarray:
    """The exponential moving average of losses, without the bias of its start.

    Example:

    >>> from keras_rbi.training.learning_rate_range_test import smooth
    >>> smooth(np.array([2.0, 2.0, 2.0])).round(6).tolist()
    [2.0, 2.0, 2.0]
    """
    ages = np.arange(len(losses))
    powers = SMOOTHING ** (ages[:, None] - ages[None, :]).astype(float)
    weights = np.tril(powers)
    return (weights @ losses) / weights.sum(1)


def _steepest(smoothed: np.ndarray) -> int:
    """The number of the step at which a loss falls fastest, before it is at its least."""
    finite = np.where(np.isfinite(smoothed), smoothed, np.inf)
    least = int(np.argmin(finite))
    if least < 2:
        return 0
    return int(np.argmin(np.gradient(finite[: least + 1])))
