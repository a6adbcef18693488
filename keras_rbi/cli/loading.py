"""Loading the model that a command is given."""

from pathlib import Path
from typing import TYPE_CHECKING

from keras_rbi import training
from keras_rbi.cli.backend import start_backend
from keras_rbi.cli.output import doing
from keras_rbi.training.run_folder import find_model

if TYPE_CHECKING:
    import keras


def load(path: Path) -> "tuple[keras.Model, list[str]]":
    """The model of a run folder or `.keras` file, and the names of its classes.

    Args:
        path: The folder or file; that it is there is looked at before any backend is started.

    Raises:
        ValueError: If there is no model, or if it is none that classifies images.
    """
    find_model(path)
    start_backend()
    with doing(f"Loading {path}"):
        return training.load_trained_model(path)
