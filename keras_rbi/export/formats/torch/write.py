"""PyTorch programs, `.pt2`."""

import json
import warnings
from pathlib import Path

import keras

from keras_rbi.export.metadata import METADATA_FILE, metadata_of
from keras_rbi.export.options import ExportOptions
from keras_rbi.export.served_models import served


def write(model: keras.Model, path: Path, options: ExportOptions) -> None:
    """Writes a program for `torch.export.load`, from images to a dictionary of outputs.

    Args:
        model: The model, on PyTorch.
        path: The file.
        options: What it is to hold.
    """
    # Not through Keras, which hands on nothing else that a file is to hold.
    import torch

    exported = served(model, options)
    spec = exported.input_spec_to_export
    # A size of 1 would be taken for a constant.
    shape = [2 if size is None else size for size in spec.shape]
    open_axes = [axis for axis, size in enumerate(spec.shape) if size is None]
    images = keras.ops.zeros(shape, spec.dtype)
    exported(images)
    open_sizes = {axis: torch.export.Dim(f"axis_{axis}", min=1) for axis in open_axes}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(
            exported, (images,), dynamic_shapes=[(open_sizes,)], strict=False
        )
        extra = {METADATA_FILE: json.dumps(metadata_of(options))}
        torch.export.save(program, path, extra_files=extra)
