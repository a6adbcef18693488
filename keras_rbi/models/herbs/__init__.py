"""HERBS: high-temperature refinement and background suppression, with and without RBI."""

from keras_rbi.models.herbs.herbs import HERBS
from keras_rbi.models.herbs.temperature_halving import TemperatureHalving
from keras_rbi.models.herbs.token_classifier import TokenClassifier
from keras_rbi.models.herbs.token_combiner import TokenCombiner
from keras_rbi.models.herbs.token_pyramid import TokenPyramid
from keras_rbi.models.herbs.token_selector import TokenSelector
from keras_rbi.models.methods import register, with_and_without_relations

register(*with_and_without_relations("herbs", "HERBS over the backbone's stages", HERBS))

__all__ = [
    "HERBS",
    "TemperatureHalving",
    "TokenClassifier",
    "TokenCombiner",
    "TokenPyramid",
    "TokenSelector",
]
