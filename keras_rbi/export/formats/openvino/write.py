"""OpenVINO's intermediate representation, a pair of files `.xml` and `.bin`."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import keras

from keras_rbi.atomic_write import scratch_folder
from keras_rbi.export.formats.onnx.write import write as write_onnx
from keras_rbi.export.formats.tf_saved_model.write import write as write_tf_saved_model
from keras_rbi.export.metadata import METADATA_KEY, metadata_of
from keras_rbi.export.options import ExportOptions


def write(model: keras.Model, path: Path, options: ExportOptions) -> None:
    """Writes the two files by way of a SavedModel, or of ONNX on PyTorch.

    The `.xml` cannot hold the precision to compute in: compile it with
    `{"INFERENCE_PRECISION_HINT": "f32"}`, or processors with bfloat16 compute in that.

    Args:
        model: The model, on TensorFlow or PyTorch.
        path: The file `.xml`; the weights go beside it.
        options: What they are to hold.
    """
    import openvino

    with scratch_folder() as folder:
        # Weights are made smaller by OpenVINO itself, and it has no strings for names to give.
        plain = dataclasses.replace(options, precision="float32", class_names=None)
        converted = _convert(openvino, model, folder, plain)
        for end in (*converted.inputs, *converted.outputs):
            end.get_node().set_friendly_name(end.get_any_name())
        converted.set_rt_info(json.dumps(metadata_of(options)), [METADATA_KEY])
        openvino.save_model(converted, path, compress_to_fp16=options.precision == "float16")


def _convert(openvino: Any, model: keras.Model, folder: Path, options: ExportOptions) -> Any:
    # What loops over parts of the pixels cannot be read from ONNX by OpenVINO.
    if keras.config.backend() == "tensorflow":
        write_tf_saved_model(model, folder / "model", options)
        return openvino.convert_model(folder / "model")
    write_onnx(model, folder / "model.onnx", options)
    return openvino.convert_model(folder / "model.onnx")
