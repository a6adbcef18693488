"""Relationship Batch Integration for fine-grained image classification, in Keras 3."""

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from keras_rbi._backend import require_backend

require_backend()

from keras_rbi import (  # noqa: E402
    backbones,
    datasets,
    evaluation,
    explanations,
    export,
    figures,
    layers,
    models,
    optimizers,
    training,
)
from keras_rbi.layers import RPE, RRA  # noqa: E402
from keras_rbi.models import RBIModel  # noqa: E402
from keras_rbi.optimizers import RectifiedAdam  # noqa: E402

try:
    __version__ = version("keras-rbi")
except PackageNotFoundError:  # A checkout that is not installed.
    __version__ = "unknown"

__all__ = [
    "RPE",
    "RRA",
    "RBIModel",
    "RectifiedAdam",
    "__version__",
    "backbones",
    "datasets",
    "evaluation",
    "explanations",
    "export",
    "figures",
    "layers",
    "models",
    "optimizers",
    "training",
]


def __getattr__(name: str) -> Any:
    # The old place of two packages, whose names warn that they have moved.
    if name == "visualization":
        return importlib.import_module("keras_rbi.visualization")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
