"""TensorFlow SavedModels."""

import json
from collections.abc import Callable
from pathlib import Path

import keras

from keras_rbi.export.image_bytes import decode_images
from keras_rbi.export.metadata import METADATA_FILE, metadata_of
from keras_rbi.export.options import ExportOptions
from keras_rbi.export.served_models import SERVED, ServedImages
from keras_rbi.types import Tensor

ENDPOINTS = {
    "images": "serve",
    "image_bytes": "classify",
    "sets": "serve_sets",
    "observations": "serve_observations",
}
# TensorFlow and its servers keep out of this folder of a SavedModel.
EXTRA_ASSETS = "assets.extra"


def write(model: keras.Model, path: Path, options: ExportOptions) -> None:
    """Writes a SavedModel, whose first input is also its signature `serving_default`.

    Args:
        model: The model, on TensorFlow.
        path: The folder.
        options: What it is to hold.
    """
    import tensorflow as tf

    names = None if options.class_names is None else tf.constant(options.class_names)

    def with_names(predictions: dict[str, Tensor]) -> dict[str, Tensor]:
        if names is not None and "top_k_classes" in predictions:
            predictions["top_k_names"] = tf.gather(names, predictions["top_k_classes"])
        return predictions

    images = ServedImages(model, options)

    def classify(files: Tensor) -> dict[str, Tensor]:
        return with_names(images(decode_images(files, options.image_shape)))

    def outputs_of_images(served: ServedImages) -> Callable[[Tensor], dict[str, Tensor]]:
        return lambda values: with_names(served(values))

    archive = keras.export.ExportArchive()
    archive.track(model)
    for name in options.inputs:
        if name == "image_bytes":
            spec = tf.TensorSpec((None,), tf.string, name=name)
            archive.add_endpoint(ENDPOINTS[name], classify, input_signature=[spec])
        else:
            served = SERVED[name](model, options)
            spec = served.input_spec_to_export
            archive.add_endpoint(ENDPOINTS[name], outputs_of_images(served), input_signature=[spec])
    archive.write_out(str(path), verbose=False)
    extra = path / EXTRA_ASSETS
    extra.mkdir(exist_ok=True)
    (extra / METADATA_FILE).write_text(json.dumps(metadata_of(options), indent=2), "utf-8")
