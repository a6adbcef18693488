"""ONNX files, run by ONNX Runtime."""

from keras_rbi.export.formats.format import Format

FORMAT = Format(
    name="onnx",
    package=__name__,
    suffix=".onnx",
    backends=("tensorflow", "torch"),
    packages={"onnx": "onnx", "onnxruntime": "onnx"},
    converters={"tensorflow": {"tf2onnx": "onnx"}},
    precisions=("float32", "float16", "int8"),
)
