"""What a model looks at, as numbers: class activation maps, influence, relation matrices."""

from typing import TYPE_CHECKING

from keras_rbi._lazy import lazy_package

if TYPE_CHECKING:
    from keras_rbi.explanations.grad_cam import grad_cam
    from keras_rbi.explanations.influence import Influence, influence
    from keras_rbi.explanations.relation_matrix import RelationMatrix, relation_matrix

__all__ = ["Influence", "RelationMatrix", "grad_cam", "influence", "relation_matrix"]

lazy_package(__name__)
