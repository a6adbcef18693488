"""Figures of data, of training runs, and of what a model sees."""

from keras_rbi.visualization.contact_sheet import contact_sheet
from keras_rbi.visualization.embedding_map import embedding_map
from keras_rbi.visualization.grad_cam import grad_cam
from keras_rbi.visualization.influence import Influence, influence
from keras_rbi.visualization.integration_flow import integration_flow
from keras_rbi.visualization.plot_cams import plot_cams
from keras_rbi.visualization.plot_influence import plot_influence
from keras_rbi.visualization.plot_parts import plot_parts
from keras_rbi.visualization.relation_matrix import (
    RelationMatrix,
    plot_relation_matrix,
    relation_matrix,
)
from keras_rbi.visualization.training_curves import training_curves

__all__ = [
    "Influence",
    "RelationMatrix",
    "contact_sheet",
    "embedding_map",
    "grad_cam",
    "influence",
    "integration_flow",
    "plot_cams",
    "plot_influence",
    "plot_parts",
    "plot_relation_matrix",
    "relation_matrix",
    "training_curves",
]
