"""Figures of data, of training runs, and of what a model sees."""

from keras_rbi.visualization.contact_sheet import contact_sheet
from keras_rbi.visualization.grad_cam import grad_cam
from keras_rbi.visualization.training_curves import training_curves

__all__ = ["contact_sheet", "grad_cam", "training_curves"]
