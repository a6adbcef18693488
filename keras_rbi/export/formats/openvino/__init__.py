"""OpenVINO's intermediate representation."""

from keras_rbi.export.formats.format import Format

FORMAT = Format(
    name="openvino",
    package=__name__,
    suffix=".xml",
    backends=("tensorflow", "torch"),
    packages={"openvino": "openvino"},
    converters={"torch": {"onnx": "onnx"}},
    precisions=("float32", "float16"),
)
