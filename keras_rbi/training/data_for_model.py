"""Test data for a trained model: that of its run, or other data."""

import dataclasses
from pathlib import Path

import keras

from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.training.build import load_split
from keras_rbi.training.run_folder import RunFolder
from keras_rbi.training.settings import TrainingSettings
from keras_rbi.training.trained_model import image_size_of


def data_for_model(
    path: Path,
    model: keras.Model,
    class_names: list[str],
    dataset: str | None = None,
    data_dir: Path | None = None,
    seed: int | None = None,
) -> tuple[ImageSequence, TrainingSettings]:
    """The test split that a model is measured on, and the settings that name it.

    Args:
        path: The run folder or `.keras` file that the model comes from.
        model: The model.
        class_names: Names of its classes.
        dataset: As in `TrainingSettings`, or `None` for the run's.
        data_dir: As in `TrainingSettings`, or `None` for the run's.
        seed: Of the images and their order, or `None` for the run's.

    Raises:
        ValueError: If the data is missing, or if it has other classes than the model.
    """
    folder = RunFolder(path if path.is_dir() else path.parent)
    if folder.settings.is_file():
        settings = folder.read_settings()[0]
    elif dataset is None:
        raise ValueError(
            f"{str(path)!r} has no run folder beside it. Name the data with --dataset."
        )
    else:
        settings = TrainingSettings().resolved()
    settings = dataclasses.replace(
        settings,
        dataset=dataset or settings.dataset,
        source="files" if dataset else settings.source,
        data_dir=str(data_dir) if data_dir else (None if dataset else settings.data_dir),
        seed=settings.seed if seed is None else seed,
        image_size=image_size_of(model),
    )
    test = load_split(settings, "test")
    if test.class_names != class_names and not class_names[0].startswith("class "):
        raise ValueError(
            f"The data {settings.dataset!r} has other classes than the model: "
            f"{len(test.class_names)} from {test.class_names[0]!r} to "
            f"{test.class_names[-1]!r}, and {len(class_names)} from {class_names[0]!r} to "
            f"{class_names[-1]!r}."
        )
    return test, settings
