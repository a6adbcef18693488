"""Loading trained models from a run folder or a `.keras` file."""

from pathlib import Path

import keras

from keras_rbi.models.loading import ModelFileError, load_model
from keras_rbi.training.keep_freed_memory import keep_freed_memory
from keras_rbi.training.run_folder import RunFolder, find_model


def load_trained_model(path: Path) -> tuple[keras.Model, list[str]]:
    """The model and the names of its classes.

    Args:
        path: A run folder, or a `.keras` file.

    Raises:
        ValueError: If there is no model, or if it is none that classifies images.
    """
    file = find_model(path)
    keep_freed_memory()
    try:
        model = load_model(file)
    except ModelFileError as error:
        raise ModelFileError(f"{error} {_way_out(path)}") from error
    if len(model.inputs) != 1 or len(model.input_shape) != 4 or len(model.output_shape) != 2:
        raise ValueError(
            f"{str(file)!r} is not a model from images to classes: its input is "
            f"{model.input_shape} and its output {model.output_shape}."
        )
    return model, _class_names(model, file)


def _way_out(path: Path) -> str:
    if path.is_dir():
        return "Copy the run folder again from where it is whole, or train again."
    return "Copy the file again from where it is whole."


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
