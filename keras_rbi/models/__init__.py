"""Models built on the relation layers."""

from keras_rbi.models.backbone_classifier import backbone_classifier
from keras_rbi.models.batch_attention import BatchAttention, batch_attention
from keras_rbi.models.batch_former_model import BatchFormerModel
from keras_rbi.models.herbs import HERBS
from keras_rbi.models.p2p_net import P2PNet
from keras_rbi.models.rbi_model import RBIModel
from keras_rbi.models.temperature_halving import TemperatureHalving

__all__ = [
    "HERBS",
    "BatchAttention",
    "BatchFormerModel",
    "P2PNet",
    "RBIModel",
    "TemperatureHalving",
    "backbone_classifier",
    "batch_attention",
]
