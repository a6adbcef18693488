"""Optimizers that Keras does not have."""

from keras_rbi.optimizers.continued_schedule import ContinuedSchedule
from keras_rbi.optimizers.rectified_adam import RectifiedAdam

__all__ = ["ContinuedSchedule", "RectifiedAdam"]
