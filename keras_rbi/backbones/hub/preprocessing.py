"""The preprocessing of backbones of keras_hub."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_rbi.backbones.backbone_preprocessing import BackbonePreprocessing
from keras_rbi.backbones.hub.library import hub_classes

# A mode of BackbonePreprocessing, or the mean and the standard deviation of pixels of 0..1.
Numbers = str | tuple[Sequence[float], Sequence[float]]

UNIT: Numbers = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
CLIP: Numbers = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
SATELLITE: Numbers = ((0.430, 0.411, 0.296), (0.213, 0.156, 0.143))

# Classes of keras_hub do not carry these numbers, only the image converters of their presets do,
# which were written from the sources named here.
BY_FAMILY: dict[str, Numbers] = {
    "CLIPVisionEncoder": CLIP,  # The image processor of OpenAI's checkpoints.
    "CSPNetBackbone": "torch",  # timm's configuration of cspdarknet53, cspresnet50, darknet53.
    "DINOV2Backbone": "torch",  # The image processor of the DINOv2 checkpoints.
    "DINOV3Backbone": "torch",  # That of the checkpoints trained on LVD-1689M.
    "DeiTBackbone": "torch",  # The image processor of the DeiT checkpoints.
    "DenseNetBackbone": "torch",  # timm's configuration of densenet121, 169, 201.
    "EfficientNetBackbone": "torch",  # timm's of efficientnet_b*, _e*, _lite0 and v2_rw_*.
    "HGNetV2Backbone": "torch",  # timm's configuration of hgnetv2_b*.
    "MiTBackbone": "torch",  # The image processor of the SegFormer checkpoints.
    "MobileNetBackbone": "torch",  # timm's configuration of mobilenetv3_*.
    "MobileNetV5Backbone": UNIT,  # timm's configuration of mobilenetv5_300m_enc.
    "ResNetBackbone": "torch",  # timm's configuration of resnet*, PaddleClas's of the vd variants.
    "SigLIPVisionEncoder": "tf",  # The image processor of the SigLIP checkpoints.
    "SwinTransformerBackbone": "torch",  # The image processor of the Swin checkpoints.
    "VGGBackbone": "torch",  # timm's configuration of vgg*.
    "ViTBackbone": "tf",  # The image processor of the ViT checkpoints.
    "ViTDetBackbone": "torch",  # The pixel mean and deviation of Segment Anything.
    "XceptionBackbone": "tf",  # keras.applications, whose weights they are.
}

# Presets trained in another way than the rest of their family: known by the name of the model.
BY_NAME: tuple[tuple[str, Numbers], ...] = (
    (r"dinov3_.*sat493m", SATELLITE),  # The image processor of those checkpoints.
    (r"efficientnet_.*ra4", "tf"),  # timm's configuration of efficientnet_b*.ra4.
    (r"mobilenet_.*21k", UNIT),  # timm's configuration of mobilenetv3_large_100.miil.
)


def preparation(backbone: Any) -> BackbonePreprocessing | None:
    """The layer that prepares RGB images of 0..255 for a backbone of keras_hub.

    A backbone that `build` has loaded together with an image converter is fed as that converter
    does, any other as the presets of its family are.

    Args:
        backbone: Any model.

    Returns:
        The layer, or `None` where nothing is known about the model.

    Example:

    >>> backbone = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    >>> keras_rbi.backbones.hub.preparation(backbone) is None
    True
    """
    data_format = getattr(backbone, "data_format", None)
    recorded = getattr(backbone, "_image_preparation", None)
    if recorded is not None:
        scale, offset = recorded
        return BackbonePreprocessing(
            data_format=data_format, scale=scale, offset=offset, name="preprocessing"
        )
    numbers = _numbers(backbone)
    if numbers is None:
        return None
    if isinstance(numbers, str):
        return BackbonePreprocessing(numbers, data_format=data_format, name="preprocessing")
    scale, offset = _of_moments(*numbers)
    return BackbonePreprocessing(
        data_format=data_format, scale=scale, offset=offset, name="preprocessing"
    )


def record_converter(backbone: Any, converter: Any) -> None:
    """Makes `preparation` feed a backbone as an image converter of keras_hub does.

    Args:
        backbone: A model.
        converter: A `keras_hub.layers.ImageConverter`, of which the scale and the offset count.
    """
    scale = 1.0 if converter.scale is None else converter.scale
    offset = 0.0 if converter.offset is None else converter.offset
    backbone._image_preparation = (_plain(scale), _plain(offset))


def record_folder(backbone: Any, folder: Path) -> None:
    """Makes `preparation` feed a backbone as a folder with a `preprocessor_config.json` says.

    Args:
        backbone: A model.
        folder: Folder of a checkpoint in Hugging Face's format. Nothing happens without the file.
    """
    file = folder / "preprocessor_config.json"
    if not file.is_file():
        return
    config = json.loads(file.read_text(encoding="utf-8"))
    factor = config.get("rescale_factor", 1 / 255) if config.get("do_rescale", True) else 1.0
    mean, deviation = [0.0], [1.0]
    if config.get("do_normalize", True) and "image_mean" in config:
        mean, deviation = config["image_mean"], config["image_std"]
    scale, offset = _of_moments(mean, deviation, factor)
    backbone._image_preparation = (scale, offset)


def copy_record(backbone: Any, other: Any) -> None:
    """Makes `preparation` feed another backbone as this one."""
    if hasattr(backbone, "_image_preparation"):
        other._image_preparation = backbone._image_preparation


def _numbers(backbone: Any) -> Numbers | None:
    classes = hub_classes(backbone)
    family = next((name for name in classes if name in BY_FAMILY), None)
    if family is None:
        return None
    for pattern, numbers in BY_NAME:
        if re.match(pattern, backbone.name.lower()):
            return numbers
    if family == "ResNetBackbone" and getattr(backbone, "use_pre_activation", False):
        return "tf"  # timm's configuration of resnetv2_50 and resnetv2_101.
    return BY_FAMILY[family]


def _of_moments(
    mean: Sequence[float], deviation: Sequence[float], factor: float = 1 / 255
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return (
        tuple(factor / d for d in deviation),
        tuple(-m / d for m, d in zip(mean, deviation, strict=True)),
    )


def _plain(values: Any) -> float | tuple[float, ...]:
    # NumPy's numbers and keras_hub's lists do not belong in the configuration of a layer.
    return float(values) if not hasattr(values, "__len__") else tuple(map(float, values))
