"""OpenVINO files by OpenVINO, without Keras: see `keras_rbi.export.formats.format.Format`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]
# Function of the name of an input and its values to the named outputs.
Predict = Callable[[str, np.ndarray], Arrays]

METADATA_KEY = "keras_rbi"


def run(path: Path) -> tuple[Predict, str]:
    """OpenVINO files on the processor in float32, and their metadata."""
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    # By default processors with bfloat16 compute in it, which is off by whole percents.
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def predict(name: str, values: np.ndarray) -> Arrays:
        outputs = compiled({name: values})
        return {port.get_any_name(): np.array(outputs[port]) for port in compiled.outputs}

    return predict, model.get_rt_info([METADATA_KEY]).astype(str)
