"""What RBI is compared with: the backbone alone, and BatchFormer."""

from functools import partial

from keras_rbi.models.baselines.backbone_classifier import BackboneClassifier, backbone_classifier
from keras_rbi.models.baselines.batch_former import BatchFormer
from keras_rbi.models.baselines.batch_former_model import BatchFormerModel
from keras_rbi.models.methods import Method, register

register(
    Method("batchformer", "a transformer layer over the batch in training", BatchFormerModel),
    Method(
        "backbone",
        "the backbone with a classifier",
        partial(BackboneClassifier, name="backbone_alone"),
        baseline="rbi",
    ),
)

__all__ = ["BackboneClassifier", "BatchFormer", "BatchFormerModel", "backbone_classifier"]
