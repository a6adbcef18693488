"""PyTorch programs, `.pt2`."""

import json
import warnings
from pathlib import Path

import keras

from keras_rbi.export.metadata import METADATA_FILE, metadata_of
from keras_rbi.export.options import ExportOptions
from keras_rbi.export.served_models import served


def write_torch(model: keras.Model, path: Path, options: ExportOptions) -> None:
    """Writes a program for `torch.export.load`, from images to a dictionary of answers.

    Args:
        model: The model, on PyTorch.
        path: The file.
        options: What it is to hold.
    """
    import torch

    answers = served(model, options)
    spec = answers.input_spec_to_export
    answers(keras.ops.zeros([2, *spec.shape[1:]], spec.dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answers.export(
            str(path),
            format="torch",
            verbose=False,
            input_signature=[spec],
            dynamic_shapes={0: torch.export.Dim("batch", min=1)},
        )
        # Keras does not hand on what else a file is to hold.
        program = torch.export.load(path)
        extra = {METADATA_FILE: json.dumps(metadata_of(options))}
        torch.export.save(program, path, extra_files=extra)
