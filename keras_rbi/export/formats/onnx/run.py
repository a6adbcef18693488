"""ONNX files by ONNX Runtime, without Keras: see `keras_rbi.export.formats.format.Format`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]
# Function of the name of an input and its values to the named outputs.
Predict = Callable[[str, np.ndarray], Arrays]

METADATA_KEY = "keras_rbi"


def run(path: Path) -> tuple[Predict, str]:
    """An ONNX file by ONNX Runtime on the processor, and its metadata."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def predict(name: str, values: np.ndarray) -> Arrays:
        return dict(zip(names, session.run(names, {name: values}), strict=True))

    return predict, session.get_modelmeta().custom_metadata_map[METADATA_KEY]
