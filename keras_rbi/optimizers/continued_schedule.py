"""A learning-rate schedule that an optimizer joins when part of it is over."""

from typing import Any

import keras

from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class ContinuedSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """The rest of a schedule, for an optimizer that counts its steps from 0 again.

    A second stage of training begins with a new optimizer, since moments of variables that
    were frozen do not exist, and Adam's corrections go by the number of steps. Its learning rate
    is to go on where the first stage left it.

    Args:
        schedule: A `keras.optimizers.schedules.LearningRateSchedule`.
        steps_done: Integer, number of steps of the schedule that are over.

    Example:

    >>> whole = keras.optimizers.schedules.CosineDecay(1.0, decay_steps=4)
    >>> rest = keras_rbi.optimizers.ContinuedSchedule(whole, steps_done=2)
    >>> round(float(rest(0)), 6) == round(float(whole(2)), 6) == 0.5
    True
    """

    def __init__(
        self, schedule: keras.optimizers.schedules.LearningRateSchedule, steps_done: int
    ) -> None:
        super().__init__()
        self.schedule = schedule
        self.steps_done = steps_done

    def __call__(self, step: Tensor) -> Tensor:
        return self.schedule(step + self.steps_done)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {
            "schedule": keras.saving.serialize_keras_object(self.schedule),
            "steps_done": self.steps_done,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ContinuedSchedule":
        """Builds a schedule from the output of `get_config`."""
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["steps_done"])
