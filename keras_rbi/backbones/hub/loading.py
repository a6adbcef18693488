"""The transformers of keras_hub by name, with weights from anywhere."""

import json
import warnings
from pathlib import Path
from typing import Any

import keras

from keras_rbi.backbones.hub.catalogue import HUB_BACKBONES, HubBackbone
from keras_rbi.backbones.hub.checkpoint_names import readable
from keras_rbi.backbones.hub.image_size import check_image_size
from keras_rbi.backbones.hub.library import INSTALL, import_keras_hub
from keras_rbi.backbones.hub.position_embeddings import at_image_size
from keras_rbi.backbones.hub.preprocessing import record_converter, record_folder
from keras_rbi.backbones.weights_file import load_weights_file

# Nothing in its weights depends on the size of the images, so that the largest models of all need
# not be built twice.
ANY_SIZE = "DINOV3Backbone"


def build(
    name: str, weights: str | Path | None = None, image_size: int | None = None
) -> keras.Model:
    """Builds a transformer of keras_hub.

    Weights fit images of any size that `check_image_size` admits: position embeddings are
    resized where a model has them.

    Args:
        name: A name of `HUB_BACKBONES`.
        weights: `None` to start from scratch; `"imagenet"` for the weights of the preset of that
            name, which keras_hub downloads once; or the path of a folder or a file: a folder
            with a checkpoint in Hugging Face's format (`config.json`, `model.safetensors`) or a
            preset of keras_hub (`config.json`, `model.weights.h5`), whose own configuration
            goes before that of the name, or a `.weights.h5` file of this backbone, saved at this
            image size or the default one. Defaults to `None`.
        image_size: Integer, side of the images in pixels. Defaults to `None`, that of the name.

    Returns:
        A model of `keras_hub.models` from prepared images (see `preparation`) to tokens of shape
        `(batch, tokens, channels)`.

    Raises:
        ValueError: If keras_hub is not installed, if the name is unknown, if the backbone does
            not take images of that size, or if the weights cannot be downloaded or do not fit.

    Example:

    >>> keras_rbi.backbones.hub.build("deit_tiny_distilled_patch16_224_imagenet").output_shape
    (None, 198, 192)
    """
    if name not in HUB_BACKBONES:
        raise ValueError(
            f"There is no backbone {name!r} of keras_hub. Received: name={name!r}. Expected one "
            f"of {', '.join(HUB_BACKBONES)}."
        )
    entry = HUB_BACKBONES[name]
    side = image_size or entry.image_size
    if keras.config.image_data_format() != "channels_last":
        raise ValueError(
            f"{name} takes images of (height, width, 3). Received: "
            "keras.config.image_data_format() is 'channels_first'. Call "
            "keras.config.set_image_data_format('channels_last') first."
        )
    if weights is None or weights == "imagenet":
        check_image_size(name, side)
    family = getattr(import_keras_hub().models, entry.family)
    if weights is None:
        return family(**entry.arguments_at(side))
    if weights == "imagenet":
        backbone = _download(entry, family, side)
    elif (path := Path(weights)).is_dir():
        backbone = _load_folder(entry, family, side, path)
    elif path.is_file():
        backbone = _load_file(entry, family, side, path)
    else:
        raise ValueError(f"There is no file or folder of weights {str(path)!r} for {name}.")
    check_image_size(backbone, side)
    return at_image_size(backbone, side)


def _preset_arguments(entry: HubBackbone, side: int) -> dict[str, Any]:
    shape = {"image_shape": (side, side, 3)} if entry.family == ANY_SIZE else {}
    return {"name": entry.name, **shape}


def _download(entry: HubBackbone, family: Any, side: int) -> keras.Model:
    converter_of = import_keras_hub().layers.ImageConverter.from_preset
    try:
        backbone = family.from_preset(entry.name, **_preset_arguments(entry, side))
    except Exception as error:
        handle = family.presets.get(entry.name, {}).get("kaggle_handle", entry.name)
        raise ValueError(
            f"The weights of {entry.name} cannot be downloaded ({_first_line(error)}). With no "
            f"network, fetch the preset {handle} elsewhere, put its folder (config.json, "
            "model.weights.h5) anywhere on this machine and give its path: `--weights PATH`, or "
            "weights='PATH' in Python. Or start from scratch with weights 'none'."
        ) from error
    try:
        record_converter(backbone, converter_of(entry.name))
    except Exception as error:
        warnings.warn(
            f"The image converter of the preset {entry.name} could not be read "
            f"({_first_line(error)}): images are prepared as for the published weights of "
            f"{entry.family}. Load it again to prepare them as the preset says.",
            stacklevel=2,
        )
    return backbone


def _load_folder(entry: HubBackbone, family: Any, side: int, folder: Path) -> keras.Model:
    file = folder / "config.json"
    if not file.is_file():
        raise ValueError(
            f"The folder {str(folder)!r} has no config.json. Expected: a checkpoint in Hugging "
            "Face's format (config.json, model.safetensors) or a preset of keras_hub "
            "(config.json, model.weights.h5)."
        )
    try:
        with readable(folder, entry.family) as source:
            backbone = family.from_preset(str(source), **_preset_arguments(entry, side))
    except ImportError as error:
        raise ValueError(
            f"{str(folder)!r} cannot be read ({_first_line(error)}). Install what is missing "
            f"with {INSTALL}."
        ) from error
    except Exception as error:
        raise ValueError(
            f"The folder {str(folder)!r} does not hold the weights of a {entry.family}: "
            f"{_first_line(error)}"
        ) from error
    if "model_type" in json.loads(file.read_text(encoding="utf-8")):
        record_folder(backbone, folder)
    elif (folder / "image_converter.json").is_file():
        converter_of = import_keras_hub().layers.ImageConverter.from_preset
        record_converter(backbone, converter_of(str(folder)))
    return backbone


def _load_file(entry: HubBackbone, family: Any, side: int, file: Path) -> keras.Model:
    reasons = []
    for size in dict.fromkeys((side, entry.image_size)):
        check_image_size(entry.name, size)
        backbone: keras.Model = family(**entry.arguments_at(size))
        try:
            load_weights_file(backbone, file)
        except ValueError as error:
            reasons.append(f"at {size} pixels, {_first_line(error)}")
            continue
        return backbone
    raise ValueError("; ".join(reasons))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
