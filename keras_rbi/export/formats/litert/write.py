"""LiteRT files, `.tflite`, with a file of metadata beside them."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_rbi.export.metadata import metadata_of
from keras_rbi.export.options import ExportOptions
from keras_rbi.export.served_models import served


def metadata_beside(path: Path) -> Path:
    """The file of metadata that belongs to a LiteRT file: `model.tflite.json`."""
    return path.with_name(path.name + ".json")


def write(
    model: keras.Model,
    path: Path,
    options: ExportOptions,
    representative_images: np.ndarray | None = None,
) -> None:
    """Writes a file of LiteRT's own operations, with one signature, `serve`.

    Args:
        model: The model, on TensorFlow.
        path: The file.
        options: What it is to hold.
        representative_images: Images `(images, height, width, 3)` of 0..255 from which the ranges
            of integers are taken, for `precision="int8"`.
    """
    import tensorflow as tf

    exported = served(model, options)
    spec = exported.input_spec_to_export
    exported(keras.ops.zeros([2 if size is None else size for size in spec.shape], spec.dtype))
    settings: dict[str, Any] = {}
    if options.precision != "float32":
        settings["optimizations"] = [tf.lite.Optimize.DEFAULT]
    if options.precision == "float16":
        settings["target_spec"] = {"supported_types": [tf.float16]}
    if options.precision == "int8":
        assert representative_images is not None
        rows = np.asarray(representative_images, "float32")
        settings["representative_dataset"] = lambda: (
            {exported.input_name: rows[number : number + 1]} for number in range(len(rows))
        )
    exported.export(str(path), format="litert", verbose=False, input_signature=[spec], **settings)
    metadata = json.dumps(metadata_of(options), indent=2)
    metadata_beside(path).write_text(metadata, "utf-8")
