"""Figures of data and of training runs."""

from keras_rbi.visualization.contact_sheet import contact_sheet
from keras_rbi.visualization.training_curves import training_curves

__all__ = ["contact_sheet", "training_curves"]
