"""SavedModels by TensorFlow, without Keras: see `keras_rbi.export.formats.format.Format`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]
# Function of the name of an input and its values to the named outputs.
Predict = Callable[[str, np.ndarray], Arrays]

METADATA_FILE = "keras_rbi.json"
ENDPOINTS = {
    "images": "serve",
    "image_bytes": "classify",
    "sets": "serve_sets",
    "observations": "serve_observations",
}


def run(path: Path) -> tuple[Predict, str]:
    """A SavedModel by `tf.saved_model.load`, and its metadata."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))

    def predict(name: str, values: np.ndarray) -> Arrays:
        dtype = tf.string if name == "image_bytes" else tf.float32
        signature = loaded.signatures[ENDPOINTS[name]]
        outputs = signature(**{name: tf.constant(values, dtype)})
        return {key: _without_objects(value.numpy()) for key, value in outputs.items()}

    return predict, (path / "assets.extra" / METADATA_FILE).read_text("utf-8")


def _without_objects(values: np.ndarray) -> np.ndarray:
    return values.astype("S") if values.dtype == object else values
