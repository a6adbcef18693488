"""Loading trained models from a run folder or a `.keras` file."""

from pathlib import Path

import keras

from keras_rbi.training.keep_freed_memory import keep_freed_memory
from keras_rbi.training.run_folder import RunFolder


def load_trained_model(path: Path) -> tuple[keras.Model, list[str]]:
    """The model and the names of its classes.

    Args:
        path: A run folder, or a `.keras` file.

    Raises:
        ValueError: If there is no model, or if it is none that classifies images.
    """
    file = RunFolder(path).model if path.is_dir() else path
    if not file.is_file():
        if path.is_dir() and RunFolder(path).settings.is_file():
            raise ValueError(
                f"The run {str(path)!r} is not finished. Go on with it: keras-rbi train --resume "
                f"--output {path}"
            )
        raise ValueError(f"There is no model {str(file)!r}. Name a run folder or a .keras file.")
    keep_freed_memory()
    try:
        model = keras.models.load_model(file)
    except (ValueError, TypeError, OSError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"{str(file)!r} cannot be loaded as a Keras model: {reason}") from error
    if len(model.inputs) != 1 or len(model.input_shape) != 4 or len(model.output_shape) != 2:
        raise ValueError(
            f"{str(file)!r} is not a model from images to classes: its input is "
            f"{model.input_shape} and its output {model.output_shape}."
        )
    return model, _class_names(model, file)


def image_size_of(model: keras.Model) -> int:
    """The side of the images that a model takes.

    Raises:
        ValueError: If it does not take square RGB images of one size.
    """
    _, height, width, channels = model.input_shape
    if height is None or height != width or channels != 3:
        raise ValueError(
            f"The model takes images of shape {model.input_shape[1:]}; only square RGB images of "
            "one size are read here. Call the model itself."
        )
    return int(height)


def _class_names(model: keras.Model, file: Path) -> list[str]:
    count = model.output_shape[-1]
    if stored := getattr(model, "class_names", None):
        return list(stored)
    folder = RunFolder(file.parent)
    if folder.settings.is_file():
        names = folder.read_settings()[1]
        if len(names) == count:
            return names
    return [f"class {number}" for number in range(count)]
