"""Relation layers: RPE, RRA, and what they and the models stand on."""

from keras_rbi.layers.backbone_preprocessing import BackbonePreprocessing
from keras_rbi.layers.batch_former import BatchFormer
from keras_rbi.layers.embedding_classifier import EmbeddingClassifier
from keras_rbi.layers.part_aligner import PartAligner
from keras_rbi.layers.part_proposer import PartProposer
from keras_rbi.layers.rpe import RPE
from keras_rbi.layers.rra import RRA
from keras_rbi.layers.scaled_residual import ScaledResidual
from keras_rbi.layers.stage_embedding import StageEmbedding
from keras_rbi.layers.token_classifier import TokenClassifier
from keras_rbi.layers.token_combiner import TokenCombiner
from keras_rbi.layers.token_pyramid import TokenPyramid
from keras_rbi.layers.token_selector import TokenSelector
from keras_rbi.layers.two_pass_batch_normalization import TwoPassBatchNormalization
from keras_rbi.layers.two_streams import TwoStreams

__all__ = [
    "RPE",
    "RRA",
    "BackbonePreprocessing",
    "BatchFormer",
    "EmbeddingClassifier",
    "PartAligner",
    "PartProposer",
    "ScaledResidual",
    "StageEmbedding",
    "TokenClassifier",
    "TokenCombiner",
    "TokenPyramid",
    "TokenSelector",
    "TwoPassBatchNormalization",
    "TwoStreams",
]
