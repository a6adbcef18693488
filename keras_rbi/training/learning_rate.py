"""The learning-rate schedule of a run."""

from typing import Any

import keras

from keras_rbi.optimizers.continued_schedule import ContinuedSchedule
from keras_rbi.training.choices import CONSTANT
from keras_rbi.training.settings import TrainingSettings

CosineDecay = keras.optimizers.schedules.CosineDecay


def learning_rate(settings: TrainingSettings, steps_per_epoch: int, first_epoch: int = 0) -> Any:
    """The learning rate of the epochs from `first_epoch` on.

    One schedule spans all epochs: it rises from 0 over the warm-up and then stays, or falls to 0
    along half a cosine, whatever the stages.

    Args:
        settings: Resolved settings.
        steps_per_epoch: Batches in an epoch.
        first_epoch: Number of the first epoch of the optimizer, counted from 0. Defaults to `0`.

    Returns:
        A float, or a schedule of the optimizer's steps.

    Example:

    >>> settings = keras_rbi.training.TrainingSettings(epochs=4, learning_rate=1.0).resolved()
    >>> schedule = keras_rbi.training.learning_rate.learning_rate(settings, steps_per_epoch=10)
    >>> round(float(schedule(20)), 6)
    0.5
    """
    peak = settings.learning_rate
    total = settings.epochs * steps_per_epoch
    warmup = round((settings.warmup_epochs or 0.0) * steps_per_epoch)
    constant = settings.schedule == CONSTANT
    if constant and not warmup:
        return float(peak)
    if warmup:
        schedule = CosineDecay(
            0.0,
            decay_steps=max(total - warmup, 1),
            # A cosine that falls to all of the peak is a constant.
            alpha=1.0 if constant else 0.0,
            warmup_target=peak,
            warmup_steps=warmup,
        )
    else:
        schedule = CosineDecay(peak, decay_steps=total)
    if first_epoch == 0:
        return schedule
    return ContinuedSchedule(schedule, first_epoch * steps_per_epoch)
