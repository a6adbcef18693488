"""LiteRT files, for telephones and small devices."""

from keras_rbi.export.formats.format import Format

FORMAT = Format(
    name="litert",
    package=__name__,
    suffix=".tflite",
    backends=("tensorflow",),
    packages={"ai_edge_litert": "litert"},
    precisions=("float32", "float16", "int8"),
)
