"""The backbone that a run begins with: from scratch, pretrained, or that of another run."""

from pathlib import Path

import keras
import numpy as np

from keras_rbi import backbones
from keras_rbi.models.keras_classifier import classifier_of
from keras_rbi.training.choices import NO_WEIGHTS
from keras_rbi.training.run_folder import RunFolder
from keras_rbi.training.settings import TrainingSettings
from keras_rbi.training.trained_model import load_trained_model


def build_backbone(settings: TrainingSettings) -> keras.Model:
    """The backbone of a run, with the weights that it begins with.

    Args:
        settings: Resolved settings.

    Returns:
        The backbone.

    Raises:
        ValueError: If it cannot be built, or if its weights cannot be had.
    """
    path = Path(settings.weights)
    of_run = is_trained_model(path)
    named = None if settings.weights == NO_WEIGHTS or of_run else settings.weights
    backbone = backbones.get(settings.backbone, weights=named, image_size=settings.image_size)
    if of_run:
        load_backbone_of(path, backbone)
    return backbone


def is_trained_model(path: Path) -> bool:
    """Whether a path is that of a run folder or of a `.keras` file."""
    return path.suffix == ".keras" or RunFolder(path).settings.is_file()


def load_backbone_of(path: Path, backbone: keras.Model) -> None:
    """Gives a backbone the weights of that of a trained model.

    Args:
        path: A run folder or a `.keras` file.
        backbone: A backbone of the same kind.

    Raises:
        ValueError: If there is no model, or if its backbone is another.
    """
    model = load_trained_model(path)[0]
    trained = classifier_of(model).extractor.backbone
    own, other = (_described(each) for each in (backbone, trained))
    if own != other:
        raise ValueError(
            f"The weights of {str(path)!r} are of the backbone {trained.name!r}, with "
            f"{len(other):,} arrays, which does not fit {backbone.name!r}, with {len(own):,}. "
            "Name the same backbone (--backbone), or other weights."
        )
    for weight, value in zip(backbone.weights, trained.weights, strict=True):
        # A copy, as on JAX arrays that two models share are deleted when one is trained.
        weight.assign(np.array(keras.ops.convert_to_numpy(value)))


def _described(backbone: keras.Model) -> list[tuple[str, tuple[int, ...]]]:
    """What tells whether weights fit: the name and the shape of each, in order."""
    return [(weight.name, tuple(weight.shape)) for weight in backbone.weights]
