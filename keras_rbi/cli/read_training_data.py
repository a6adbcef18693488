"""The images that `keras-rbi train` trains with."""

from pathlib import Path
from typing import Any

from keras_rbi.cli.datasets import make_ready
from keras_rbi.cli.output import doing, progress_bars
from keras_rbi.datasets.catalogue import TYPEFACES
from keras_rbi.training.run_data import read_data
from keras_rbi.training.settings import TrainingSettings


def make_ready_for(settings: TrainingSettings, download: bool) -> None:
    """Downloads what is missing of files, if that is asked for; ends the command without them."""
    if settings.source == "files":
        data_dir = None if settings.data_dir is None else Path(settings.data_dir)
        make_ready(settings.dataset, data_dir, download)


def read_training_data(settings: TrainingSettings, class_names: list[str] | None = None) -> Any:
    """The images of each split, with what is being done told."""
    if settings.dataset == TYPEFACES:
        with doing("Reading the data"):
            return read_data(settings)
    with progress_bars("Looking at the {} images", "Listing the images") as progress:
        return read_data(settings, progress, class_names)
