"""Figures of training runs."""

from keras_rbi.visualization.training_curves import training_curves

__all__ = ["training_curves"]
