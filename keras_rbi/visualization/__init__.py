"""Figures of data and of training runs."""

from keras_rbi.visualization.contact_sheet import contact_sheet
from keras_rbi.visualization.embedding_map import embedding_map
from keras_rbi.visualization.training_curves import training_curves

__all__ = ["contact_sheet", "embedding_map", "training_curves"]
