"""Relationship Batch Integration for fine-grained image classification, in Keras 3."""

from keras_rbi._backend import require_backend

require_backend()

from keras_rbi import (  # noqa: E402
    backbones,
    datasets,
    evaluation,
    export,
    layers,
    models,
    optimizers,
    training,
    visualization,
)
from keras_rbi.models import RBIModel  # noqa: E402

__all__ = [
    "RBIModel",
    "backbones",
    "datasets",
    "evaluation",
    "export",
    "layers",
    "models",
    "optimizers",
    "training",
    "visualization",
]
