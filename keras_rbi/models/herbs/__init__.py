"""HERBS: high-temperature refinement and background suppression, with and without RBI."""

from functools import partial
from typing import Any

from keras_rbi.models.herbs.herbs import HERBS
from keras_rbi.models.herbs.temperature_halving import TemperatureHalving
from keras_rbi.models.herbs.token_classifier import TokenClassifier
from keras_rbi.models.herbs.token_combiner import TokenCombiner
from keras_rbi.models.herbs.token_pyramid import TokenPyramid
from keras_rbi.models.herbs.token_selector import TokenSelector
from keras_rbi.models.methods import Method, register


def _build(backbone: Any, embedding_dim: int, **arguments: Any) -> HERBS:
    return HERBS(backbone, units=embedding_dim, **arguments)


register(
    Method(
        "herbs",
        "HERBS over the backbone's stages",
        partial(_build, relations=None),
        ("embedding_dim", "variant"),
        baseline="herbs-rbi",
    ),
    Method(
        "herbs-rbi",
        "the same with relations",
        partial(_build, relations="self"),
        ("embedding_dim", "variant"),
        relates=True,
        baseline="herbs",
    ),
)

__all__ = [
    "HERBS",
    "TemperatureHalving",
    "TokenClassifier",
    "TokenCombiner",
    "TokenPyramid",
    "TokenSelector",
]
