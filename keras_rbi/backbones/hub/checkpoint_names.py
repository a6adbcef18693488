"""Checkpoints in Hugging Face's format, under the names that keras_hub reads."""

import contextlib
import importlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

# keras_hub reads the weights of classifiers, where the backbone is a part of this name.
PREFIX = {"ViTBackbone": "vit.", "DeiTBackbone": "deit."}
WEIGHTS = "model.safetensors"


@contextlib.contextmanager
def readable(folder: Path, family: str) -> Iterator[Path]:
    """A folder that keras_hub can read, as long as the context lasts.

    Args:
        folder: Folder of a checkpoint.
        family: Name of the class in `keras_hub.models`.

    Yields:
        The folder itself; or, for a checkpoint of a ViT or DeiT without a classifier, a copy of
        it in which the weights are named as those of classifiers are.
    """
    prefix = PREFIX.get(family)
    if prefix is None or not (folder / WEIGHTS).is_file():
        yield folder
        return
    with importlib.import_module("safetensors").safe_open(folder / WEIGHTS, "np") as file:
        names = list(file.keys())
    if any(name.startswith(prefix) for name in names):
        yield folder
        return
    arrays = importlib.import_module("safetensors.numpy")
    with tempfile.TemporaryDirectory() as copy:
        shutil.copy(folder / "config.json", copy)
        tensors = arrays.load_file(folder / WEIGHTS)
        named = {prefix + name: tensor for name, tensor in tensors.items()}
        arrays.save_file(named, Path(copy) / WEIGHTS)
        yield Path(copy)
