"""Optimizers that Keras does not have."""

from keras_rbi.optimizers.rectified_adam import RectifiedAdam

__all__ = ["RectifiedAdam"]
