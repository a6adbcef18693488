"""The layers of Relationship Batch Integration: RPE, RRA, and their normalization."""

from typing import TYPE_CHECKING

from keras_rbi._lazy import lazy_package

if TYPE_CHECKING:
    from keras_rbi.layers.rpe import RPE
    from keras_rbi.layers.rra import RRA
    from keras_rbi.layers.two_pass_batch_normalization import TwoPassBatchNormalization

__all__ = ["RPE", "RRA", "TwoPassBatchNormalization"]

_MOVED = {
    "BackbonePreprocessing": "keras_rbi.backbones",
    "BatchFormer": "keras_rbi.models.baselines",
    "EmbeddingClassifier": "keras_rbi.models.p2p_net",
    "PartAligner": "keras_rbi.models.p2p_net",
    "PartProposer": "keras_rbi.models.p2p_net",
    "ScaledResidual": "keras_rbi.models",
    "StageEmbedding": "keras_rbi.models.p2p_net",
    "TokenClassifier": "keras_rbi.models.herbs",
    "TokenCombiner": "keras_rbi.models.herbs",
    "TokenPyramid": "keras_rbi.models.herbs",
    "TokenSelector": "keras_rbi.models.herbs",
    "TwoStreams": "keras_rbi.models",
}

lazy_package(__name__, _MOVED)
