"""Relation layers: RPE, RRA, and what they and the models stand on."""

from keras_rbi.layers.backbone_preprocessing import BackbonePreprocessing
from keras_rbi.layers.batch_former import BatchFormer
from keras_rbi.layers.rpe import RPE
from keras_rbi.layers.rra import RRA
from keras_rbi.layers.two_pass_batch_normalization import TwoPassBatchNormalization
from keras_rbi.layers.two_streams import TwoStreams

__all__ = [
    "RPE",
    "RRA",
    "BackbonePreprocessing",
    "BatchFormer",
    "TwoPassBatchNormalization",
    "TwoStreams",
]
