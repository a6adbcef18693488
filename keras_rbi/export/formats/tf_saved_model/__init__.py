"""TensorFlow SavedModels."""

from keras_rbi.export.formats.format import Format

FORMAT = Format(
    name="tf_saved_model",
    package=__name__,
    suffix="",
    folder_marker="saved_model.pb",
    backends=("tensorflow",),
    has_several_inputs=True,
)
