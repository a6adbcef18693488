"""OpenVINO's intermediate representation, a pair of files `.xml` and `.bin`."""

import json
import tempfile
from pathlib import Path

import keras

from keras_rbi.export.metadata import METADATA_KEY, metadata_of
from keras_rbi.export.options import ExportOptions
from keras_rbi.export.write_onnx import write_onnx


def write_openvino(model: keras.Model, path: Path, options: ExportOptions) -> None:
    """Writes the two files by way of ONNX, so that names are the same as there.

    Args:
        model: The model, on TensorFlow or PyTorch.
        path: The file `.xml`; the weights go beside it.
        options: What they are to hold.
    """
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        onnx_file = Path(folder) / "model.onnx"
        write_onnx(model, onnx_file, options)
        converted = openvino.convert_model(onnx_file)
        converted.set_rt_info(json.dumps(metadata_of(options)), [METADATA_KEY])
        openvino.save_model(converted, path, compress_to_fp16=options.precision == "float16")
