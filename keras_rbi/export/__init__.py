"""Models that leave Python: formats that run without Keras.

`export_model(model, path, format="tf_saved_model", relations=None, inputs="images",
outputs=("probabilities", "top_k"), top_k=5, precision="float32", representative_images=None,
class_names=None, verbose=True)` returns an `Export`. In an ONNX file the input is `images`,
float32 `(batch, height, width, 3)`, raw RGB of 0..255; outputs are `probabilities`,
`top_k_classes` and `top_k_probabilities`, and `features`, `maps` and `attention` if they are asked
for; the JSON of `metadata_of` is in its metadata under the key `keras_rbi`.
"""

from typing import TYPE_CHECKING

from keras_rbi._lazy import lazy_package

if TYPE_CHECKING:
    from keras_rbi.export.accuracy import accuracy_of_export
    from keras_rbi.export.errors import ExportError
    from keras_rbi.export.export_model import Export, export_model
    from keras_rbi.export.formats import FORMATS
    from keras_rbi.export.options import outputs_for_a_page
    from keras_rbi.export.tf_serving import export_for_tf_serving

__all__ = [
    "FORMATS",
    "Export",
    "ExportError",
    "accuracy_of_export",
    "export_for_tf_serving",
    "export_model",
    "outputs_for_a_page",
]

lazy_package(__name__)
