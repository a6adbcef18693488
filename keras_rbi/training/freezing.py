"""Freezing of the backbone."""

import math
from typing import Any

import keras

from keras_rbi.training.choices import BACKBONE, STEM

# The stem ends where feature maps get smaller than a quarter of the image's side.
STEM_HALVINGS = 2


def backbone_of(model: keras.Model) -> keras.Model:
    """The backbone of an `RBIModel`, or the one model that is nested in another classifier.

    Args:
        model: The model.

    Returns:
        The backbone.

    Raises:
        ValueError: If there is no nested model, or if there are several.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.RBIModel(backbone, num_classes=5, embedding_dim=16)
    >>> keras_rbi.training.freezing.backbone_of(model) is backbone
    True
    """
    backbone = getattr(model, "backbone", None)
    if backbone is not None:
        return backbone
    nested = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    if len(nested) != 1:
        raise ValueError(
            f"The backbone of {model.name!r} cannot be told: it is expected to be the one model "
            f"nested in it. Found: {[layer.name for layer in nested]}."
        )
    return nested[0]


def freeze(model: keras.Model, part: str | None) -> None:
    """Freezes a part of a model's backbone; compile the model afterwards.

    What is frozen keeps its weights to the bit. Its batch normalisations work as at inference, by
    their stored statistics, which do not change either. Dropout and stochastic depth in it go on.

    Args:
        model: The model, an `RBIModel` or a classifier around one nested model.
        part: `"backbone"`, all of it; `"stem"`, its `stem_layers`; or `None`, nothing, which
            leaves all layers as they are.

    Raises:
        ValueError: If the part cannot be found.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.RBIModel(backbone, num_classes=5, embedding_dim=16)
    >>> keras_rbi.training.freezing.freeze(model, "backbone")
    >>> backbone.trainable_variables
    []
    """
    if part == BACKBONE:
        backbone_of(model).trainable = False
    elif part == STEM:
        for layer in stem_layers(backbone_of(model)):
            layer.trainable = False


def freeze_batch_norms(model: keras.Model) -> None:
    """Freezes the batch normalisations of a model's backbone; compile the model afterwards.

    They normalise by the statistics of the images that the backbone was trained on, in training as
    at inference. On a small data set the statistics of batches are what a pretrained backbone
    fits by heart first, and at inference they are gone.

    Args:
        model: The model, an `RBIModel` or a classifier around one nested model.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.RBIModel(backbone, num_classes=5, embedding_dim=16)
    >>> keras_rbi.training.freezing.freeze_batch_norms(model)
    >>> backbone.get_layer("block1_bn").trainable
    False
    """
    for layer in backbone_of(model)._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def stem_layers(backbone: keras.Model) -> list[keras.layers.Layer]:
    """The layers in which a backbone looks at edges, colours and textures.

    That is, in the order of the model, all layers before the first one whose feature maps are
    smaller than a quarter of the image's side: the stem and the first stage of ResNets and their
    kin. A backbone that cuts its images into smaller patches at once has its patch embedding for a
    stem: the layers up to the first one with weights. Sides count to the nearest power of two,
    since borders may be cut off; feature maps of 1×1, the gates of squeeze-and-excitation, do not
    count.

    Args:
        backbone: A functional model.

    Returns:
        The layers.

    Raises:
        ValueError: If the model is not functional, or if its feature maps never get that small.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((64, 64, 3))
    >>> keras_rbi.training.freezing.stem_layers(backbone)[-1].name
    'block3_conv'
    """
    shape = getattr(backbone, "input_shape", None)
    functional = isinstance(shape, tuple) and len(shape) == 4 and _output_shape(backbone.layers[-1])
    if not functional:
        raise ValueError(
            f"The stem of {backbone.name!r} cannot be told: only a functional model of images "
            "shows the sizes of its feature maps. Freeze all of it with freeze='backbone'."
        )
    assert isinstance(shape, tuple)
    axis = 1 if shape[-1] in (1, 3) else 2
    for number, layer in enumerate(backbone.layers):
        if not _is_behind_the_stem(_output_shape(layer), shape, axis):
            continue
        before = list(backbone.layers[:number])
        if any(earlier.weights for earlier in before):
            return before
        if isinstance(layer, keras.Model):
            return [*before, *stem_layers(layer)]
        return _until_the_first_weights(backbone.layers)
    raise ValueError(
        f"The stem of {backbone.name!r} cannot be told: none of its feature maps is smaller than a "
        "quarter of the image. Freeze all of it with freeze='backbone'."
    )


def _output_shape(layer: keras.layers.Layer) -> Any:
    try:
        return getattr(layer.output, "shape", None)
    except (AttributeError, ValueError):
        # A layer outside a graph, or one that is used several times.
        return None


def _is_behind_the_stem(shape: Any, image_shape: Any, axis: int) -> bool:
    if shape is None or len(shape) == 2:
        return False
    if len(shape) == 3:
        return True
    side, image_side = shape[axis], image_shape[axis]
    if side is None or image_side is None or side == 1:
        return False
    return round(math.log2(image_side / side)) > STEM_HALVINGS


def _until_the_first_weights(layers: list[keras.layers.Layer]) -> list[keras.layers.Layer]:
    for number, layer in enumerate(layers):
        if layer.weights:
            return list(layers[: number + 1])
    return []
