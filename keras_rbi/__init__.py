"""Relationship Batch Integration for fine-grained image classification, in Keras 3."""

import importlib
import sys
from typing import TYPE_CHECKING

from keras_rbi._backend import choose_backend, require_backend
from keras_rbi._lazy import lazy_package
from keras_rbi._version import __version__

if TYPE_CHECKING:
    from keras_rbi import (
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
        visualization,  # noqa: F401, deprecated
    )
    from keras_rbi.layers.rpe import RPE
    from keras_rbi.layers.rra import RRA
    from keras_rbi.models.rbi.rbi_model import RBIModel
    from keras_rbi.optimizers.rectified_adam import RectifiedAdam

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

lazy_package(__name__)

# While `python -m keras_rbi` looks for `__main__`, which is the command too.
_as_module = sys.argv[:1] == ["-m"] and ("-m", "keras_rbi") in zip(
    sys.orig_argv, sys.orig_argv[1:], strict=False
)

if _as_module or "keras_rbi_command" in sys.modules:
    choose_backend()
elif "keras_rbi_decoder" not in sys.modules:
    require_backend()
    # So that `keras.models.load_model` knows the layers and models that are registered.
    importlib.import_module("keras_rbi.models.loading")
