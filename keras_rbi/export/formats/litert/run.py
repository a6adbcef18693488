"""LiteRT files by `ai_edge_litert`, without Keras: see `keras_rbi.export.formats.format.Format`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]
# Function of the name of an input and its values to the named outputs.
Predict = Callable[[str, np.ndarray], Arrays]


def run(path: Path) -> tuple[Predict, str]:
    """A LiteRT file by `ai_edge_litert`, and its metadata."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    runner = interpreter.get_signature_runner()

    def predict(name: str, values: np.ndarray) -> Arrays:
        # Copies, since the next call reuses the memory.
        return {key: np.array(value) for key, value in runner(**{name: values}).items()}

    return predict, path.with_name(path.name + ".json").read_text("utf-8")
