"""HERBS: high-temperature refinement and background suppression, with and without RBI."""

from typing import TYPE_CHECKING

from keras_rbi._lazy import lazy_package
from keras_rbi.models.methods import register, with_and_without_relations

if TYPE_CHECKING:
    from keras_rbi.models.herbs.herbs import HERBS
    from keras_rbi.models.herbs.temperature_halving import TemperatureHalving
    from keras_rbi.models.herbs.token_classifier import TokenClassifier
    from keras_rbi.models.herbs.token_combiner import TokenCombiner
    from keras_rbi.models.herbs.token_pyramid import TokenPyramid
    from keras_rbi.models.herbs.token_selector import TokenSelector

register(
    *with_and_without_relations(
        "herbs", "HERBS over the backbone's stages", "keras_rbi.models.herbs.herbs:HERBS"
    )
)

__all__ = [
    "HERBS",
    "TemperatureHalving",
    "TokenClassifier",
    "TokenCombiner",
    "TokenPyramid",
    "TokenSelector",
]

lazy_package(__name__)
