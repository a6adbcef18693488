"""Runs an exported model by its format's own runtime, in a process that has no Keras.

    python runtimes.py JOB.json

A file of its own, started by its path: nothing here imports keras_rbi, which imports Keras. The
job names the format, the artifact, an `.npz` of inputs and one to write the answers to.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]
# Function of the name of an input and its values to the named outputs.
Answer = Callable[[str, np.ndarray], Arrays]

METADATA_KEY = "keras_rbi"
METADATA_FILE = "keras_rbi.json"
ENDPOINTS = {"images": "serve", "image_bytes": "classify", "sets": "serve_sets"}


def run_tf_saved_model(path: Path) -> tuple[Answer, str]:
    """A SavedModel by `tf.saved_model.load`, and its metadata."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))

    def answer(name: str, values: np.ndarray) -> Arrays:
        dtype = tf.string if name == "image_bytes" else tf.float32
        signature = loaded.signatures[ENDPOINTS[name]]
        outputs = signature(**{name: tf.constant(values, dtype)})
        return {key: _without_objects(value.numpy()) for key, value in outputs.items()}

    return answer, (path / "assets.extra" / METADATA_FILE).read_text("utf-8")


def _without_objects(values: np.ndarray) -> np.ndarray:
    return values.astype("S") if values.dtype == object else values


def run_onnx(path: Path) -> tuple[Answer, str]:
    """An ONNX file by ONNX Runtime on the processor, and its metadata."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def answer(name: str, values: np.ndarray) -> Arrays:
        return dict(zip(names, session.run(names, {name: values}), strict=True))

    return answer, session.get_modelmeta().custom_metadata_map[METADATA_KEY]


def run_openvino(path: Path) -> tuple[Answer, str]:
    """OpenVINO files on the processor in float32, and their metadata."""
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    # By default processors with bfloat16 compute in it, which is off by whole percents.
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def answer(name: str, values: np.ndarray) -> Arrays:
        outputs = compiled({name: values})
        return {port.get_any_name(): np.array(outputs[port]) for port in compiled.outputs}

    return answer, model.get_rt_info([METADATA_KEY]).astype(str)


def run_litert(path: Path) -> tuple[Answer, str]:
    """A LiteRT file by `ai_edge_litert`, and its metadata."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    runner = interpreter.get_signature_runner()

    def answer(name: str, values: np.ndarray) -> Arrays:
        # Copies, since the next call reuses the memory.
        return {key: np.array(value) for key, value in runner(**{name: values}).items()}

    return answer, path.with_name(path.name + ".json").read_text("utf-8")


def run_torch(path: Path) -> tuple[Answer, str]:
    """A PyTorch program by `torch.export.load`, and its metadata."""
    import torch

    extra = {METADATA_FILE: ""}
    program = torch.export.load(path, extra_files=extra).module()

    def answer(name: str, values: np.ndarray) -> Arrays:
        with torch.no_grad():
            outputs = program(torch.from_numpy(values))
        return {key: value.numpy() for key, value in outputs.items()}

    return answer, extra[METADATA_FILE]


RUN: dict[str, Callable[[Path], tuple[Answer, str]]] = {
    "tf_saved_model": run_tf_saved_model,
    "onnx": run_onnx,
    "openvino": run_openvino,
    "litert": run_litert,
    "torch": run_torch,
}


def main(job_file: str) -> None:
    """Answers all inputs of a job. An input `3:images` gives `3:probabilities` and so on."""
    modules: Any = sys.modules
    # TensorFlow comes with Keras, which must not be able to help.
    modules["keras"] = None
    job = json.loads(Path(job_file).read_text("utf-8"))
    answer, metadata = RUN[job["format"]](Path(job["path"]))
    answers: Arrays = {"metadata": np.array(metadata)}
    with np.load(job["inputs"], allow_pickle=False) as inputs:
        for key in inputs.files:
            number, name = key.split(":")
            for output, values in answer(name, inputs[key]).items():
                answers[f"{number}:{output}"] = values
    np.savez(job["answers"], **answers)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1])
