"""PyTorch programs by PyTorch, without Keras: see `keras_rbi.export.formats.format.Format`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]
# Function of the name of an input and its values to the named outputs.
Predict = Callable[[str, np.ndarray], Arrays]

METADATA_FILE = "keras_rbi.json"


def run(path: Path) -> tuple[Predict, str]:
    """A PyTorch program by `torch.export.load`, and its metadata."""
    import torch

    extra = {METADATA_FILE: ""}
    program = torch.export.load(path, extra_files=extra).module()

    def predict(name: str, values: np.ndarray) -> Arrays:
        with torch.no_grad():
            outputs = program(torch.from_numpy(values))
        return {key: value.numpy() for key, value in outputs.items()}

    return predict, extra[METADATA_FILE]
