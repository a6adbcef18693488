"""Classifiers of images that relate to each other, and what they are compared with."""

from typing import TYPE_CHECKING

from keras_rbi._lazy import lazy_package
from keras_rbi.models import (  # noqa: F401, each registers its methods by name
    baselines,
    herbs,
    p2p_net,
    rbi,
)

if TYPE_CHECKING:
    from keras_rbi.models.baselines.backbone_classifier import (
        BackboneClassifier,
        backbone_classifier,
    )
    from keras_rbi.models.baselines.batch_former_model import BatchFormerModel
    from keras_rbi.models.batch_attention import BatchAttention, batch_attention
    from keras_rbi.models.herbs.herbs import HERBS
    from keras_rbi.models.herbs.temperature_halving import TemperatureHalving
    from keras_rbi.models.p2p_net.p2p_net import P2PNet
    from keras_rbi.models.rbi.rbi_model import RBIModel
    from keras_rbi.models.relational_classifier import RelationalClassifier
    from keras_rbi.models.scaled_residual import ScaledResidual
    from keras_rbi.models.two_streams import TwoStreams

__all__ = [
    "HERBS",
    "BackboneClassifier",
    "BatchAttention",
    "BatchFormerModel",
    "P2PNet",
    "RBIModel",
    "RelationalClassifier",
    "ScaledResidual",
    "TemperatureHalving",
    "TwoStreams",
    "backbone_classifier",
    "batch_attention",
]

lazy_package(__name__)
