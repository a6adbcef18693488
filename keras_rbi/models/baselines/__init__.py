"""What RBI is compared with: the backbone alone, and BatchFormer."""

from typing import TYPE_CHECKING

from keras_rbi._lazy import lazy_package
from keras_rbi.models.methods import Method, register

if TYPE_CHECKING:
    from keras_rbi.models.baselines.backbone_classifier import (
        BackboneClassifier,
        backbone_classifier,
    )
    from keras_rbi.models.baselines.batch_former import BatchFormer
    from keras_rbi.models.baselines.batch_former_model import BatchFormerModel

register(
    Method(
        "batchformer",
        "a transformer layer over the batch in training",
        "keras_rbi.models.baselines.batch_former_model:BatchFormerModel",
    ),
    Method(
        "backbone",
        "the backbone with a classifier",
        "keras_rbi.models.baselines.backbone_classifier:BackboneClassifier",
        baseline="rbi",
        fixed={"name": "backbone_alone"},
    ),
)

__all__ = ["BackboneClassifier", "BatchFormer", "BatchFormerModel", "backbone_classifier"]

lazy_package(__name__)
