"""Facts about the models of `keras.applications`."""

import inspect
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from keras_rbi.backbones.backbone_preprocessing import BackbonePreprocessing
from keras_rbi.backbones.weights_file import load_weights_file

IMAGENET = "imagenet"

# Names that keras.applications gives its models, and how their preprocess_input works. The models
# of the last rows prepare images themselves, unless built with include_preprocessing=False: what
# they leave out then.
OUTSIDE: tuple[tuple[str, dict[str, Any]], ...] = (
    (r"resnet\d+v2|inception_v3|inception_resnet_v2|xception|nasnet", {"mode": "tf"}),
    (r"mobilenet_\d|mobilenetv2_\d", {"mode": "tf"}),
    (r"densenet\d+", {"mode": "torch"}),
    (r"resnet\d+|vgg\d+", {"mode": "caffe"}),
)
INSIDE: tuple[tuple[str, dict[str, Any]], ...] = (
    (r"efficientnetv2-b\d|efficientnetb\d|convnext", {"mode": "torch"}),
    (r"efficientnetv2-", {"scale": 1 / 128, "offset": -1.0}),
    (r"mobilenetv3", {"mode": "tf"}),
)

# A layer that flattens is the one only where no other pools: MobileNetV3 pools, then flattens.
POOLINGS = (
    (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D),
    (keras.layers.Flatten,),
)


def constructors() -> dict[str, Callable[..., keras.Model]]:
    """The functions of `keras.applications` that build models, by their names."""
    return {
        name: member
        for name, member in inspect.getmembers(keras.applications, inspect.isfunction)
        if name[0].isupper()
    }


def build(name: str, weights: str | Path | None, image_size: int) -> keras.Model:
    """Builds a model of `keras.applications` without its classifier.

    Args:
        name: One of `constructors()`.
        weights: `"imagenet"`, which `keras.applications` downloads; the path of a `.weights.h5`
            file; or `None`.
        image_size: Side of the images in pixels.

    Returns:
        A `keras.Model` from images to maps.

    Raises:
        ValueError: If the model does not take images of that size, or if its weights cannot be
            downloaded.
    """
    if weights not in (None, IMAGENET):
        backbone = build(name, None, image_size)
        load_weights_file(backbone, Path(str(weights)))
        return backbone
    channels_first = keras.config.image_data_format() == "channels_first"
    shape = (3, image_size, image_size) if channels_first else (image_size, image_size, 3)
    try:
        return constructors()[name](include_top=False, weights=weights, input_shape=shape)
    except ValueError as error:
        raise ValueError(
            f"{name} cannot be built for {image_size}x{image_size} images: {error}"
        ) from error
    except Exception as error:
        if weights is None:
            raise
        raise ValueError(_no_download(error)) from error


def is_application(model: Any) -> bool:
    """Whether a model has a name that `keras.applications` gives."""
    return any(re.match(pattern, model.name.lower()) for pattern, _ in (*OUTSIDE, *INSIDE))


def preparation(model: Any, data_format: str | None = None) -> BackbonePreprocessing | None:
    """The layer that prepares RGB images of 0..255 for a model of `keras.applications`.

    Args:
        model: One that `is_application`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to `None`,
            `keras.config.image_data_format()`.

    Returns:
        The layer, or `None` where the model prepares images itself.
    """
    for pattern, arguments in OUTSIDE:
        if re.match(pattern, model.name.lower()):
            return BackbonePreprocessing(**arguments, data_format=data_format, name="preprocessing")
    if prepares_images_itself(model):
        return None
    arguments = next(known for pattern, known in INSIDE if re.match(pattern, model.name.lower()))
    return BackbonePreprocessing(**arguments, data_format=data_format, name="preprocessing")


def prepares_images_itself(model: Any) -> bool:
    """Whether a model begins with a layer that rescales or normalises images."""
    return any(prepares_images(layer) for layer in model.layers[:4])


def prepares_images(layer: Any) -> bool:
    """Whether a layer rescales or normalises images."""
    preparations = (keras.layers.Rescaling, keras.layers.Normalization, BackbonePreprocessing)
    return isinstance(layer, preparations)


def without_classifier(model: keras.Model) -> keras.Model:
    """The part of a model of `keras.applications` before its classifier.

    Args:
        model: One that `is_application`, built with or without `include_top`.

    Returns:
        A model of the same name and the same layers, from images to rows of features, or to maps
        where the classifier takes no rows; the model itself where it has no classifier.
    """
    pooling = global_pooling(model)
    if pooling is None:
        return model
    after = model.layers[model.layers.index(pooling) + 1 :]
    for layer in after:
        if isinstance(layer, (keras.layers.Dense, keras.layers.Conv2D)):
            rows = len(layer.input.shape) == 2 and not isinstance(pooling, keras.layers.Flatten)
            features = layer.input if rows else pooling.input
            return keras.Model(model.input, features, name=model.name)
    return model


def global_pooling(model: Any) -> Any:
    """The layer with which a model that gives rows leaves the places of its images, or `None`."""
    if len(getattr(getattr(model, "output", None), "shape", ())) != 2:
        return None
    for kinds in POOLINGS:
        for layer in reversed(model.layers):
            if isinstance(layer, kinds):
                return layer
    return None


def _no_download(error: Exception) -> str:
    address = re.search(r"https?://\S+", str(error))
    file = address.group(0).rstrip(":.,").rsplit("/", 1)[-1] if address else None
    cache = os.path.join(os.environ.get("KERAS_HOME", "~/.keras"), "models")
    put = f"put {file} into {cache}, " if file else ""
    return (
        f"The ImageNet weights cannot be downloaded: {str(error).strip().splitlines()[0]}. "
        f"With no network, {put}give the path of a .weights.h5 file (--weights PATH), or start "
        "from scratch (--weights none)."
    )
