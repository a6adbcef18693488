"""What RBI is compared with: the backbone alone, and BatchFormer."""

from keras_rbi.models.baselines.backbone_classifier import BackboneClassifier, backbone_classifier
from keras_rbi.models.baselines.batch_former import BatchFormer
from keras_rbi.models.baselines.batch_former_model import BatchFormerModel

__all__ = ["BackboneClassifier", "BatchFormer", "BatchFormerModel", "backbone_classifier"]
