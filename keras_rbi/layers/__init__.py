"""Relation layers: RPE, RRA, and what they and the models stand on."""

from keras_rbi.layers.backbone_preprocessing import BackbonePreprocessing
from keras_rbi.layers.rpe import RPE
from keras_rbi.layers.rra import RRA
from keras_rbi.layers.two_pass_batch_normalization import TwoPassBatchNormalization

__all__ = ["RPE", "RRA", "BackbonePreprocessing", "TwoPassBatchNormalization"]
