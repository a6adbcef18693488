"""Runs an exported model by its format's own runtime, in a process that has no Keras.

    python run_without_keras.py JOB.json

A file of its own, started by its path: nothing here imports keras_rbi, which imports Keras. The
job names the `run.py` of the format, the artifact, an `.npz` of inputs and one to write the
predictions to.
"""

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


def runner(run_file: str | Path) -> Callable[[Path], Any]:
    """The function `run` of a file."""
    spec = importlib.util.spec_from_file_location("run", run_file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.run


def main(job_file: str) -> None:
    """Predicts for all inputs of a job. An input `3:images` gives `3:probabilities` and so on."""
    modules: Any = sys.modules
    # TensorFlow comes with Keras, which must not be able to help.
    modules["keras"] = None
    job = json.loads(Path(job_file).read_text("utf-8"))
    predict, metadata = runner(job["run"])(Path(job["path"]))
    outputs: Arrays = {"metadata": np.array(metadata)}
    with np.load(job["inputs"], allow_pickle=False) as inputs:
        for key in inputs.files:
            number, name = key.split(":")
            for output, values in predict(name, inputs[key]).items():
                outputs[f"{number}:{output}"] = values
    np.savez(job["predictions"], **outputs)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1])
