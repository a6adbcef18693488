"""Optimizers that Keras does not have."""

from typing import TYPE_CHECKING

from keras_rbi._lazy import lazy_package

if TYPE_CHECKING:
    from keras_rbi.optimizers.continued_schedule import ContinuedSchedule
    from keras_rbi.optimizers.rectified_adam import RectifiedAdam

__all__ = ["ContinuedSchedule", "RectifiedAdam"]

lazy_package(__name__)
