"""Test data of a trained model: that of its run, or other data."""

import dataclasses
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.datasets.batches.sampling import SHUFFLED
from keras_rbi.datasets.files.dataset_warning import DatasetWarning
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.models.image_size import image_size_of
from keras_rbi.training.build import batches_of_split, load_split
from keras_rbi.training.choices import NO_AUGMENTATION
from keras_rbi.training.run_data import read_data
from keras_rbi.training.run_files import differences, files_of, read_files
from keras_rbi.training.run_folder import RunFolder
from keras_rbi.training.settings import TrainingSettings


def data_for_model(
    path: Path,
    model: keras.Model,
    class_names: list[str],
    dataset: str | None = None,
    data_dir: Path | None = None,
    seed: int | None = None,
    observations: str | None = None,
) -> tuple[ImageSequence, TrainingSettings]:
    """The test split that a model is measured on, and the settings that name it.

    Args:
        path: The run folder or `.keras` file that the model comes from.
        model: The model.
        class_names: Names of its classes.
        dataset: As in `TrainingSettings`, or `None` for the run's.
        data_dir: As in `TrainingSettings`, or `None` for the run's.
        seed: Of the images and their order, or `None` for the run's.
        observations: As in `TrainingSettings`, or `None` for the run's.

    Raises:
        ValueError: If the data is missing, or if it has other classes than the model.
    """
    folder = RunFolder.around(path)
    if folder.settings.is_file():
        settings = folder.read_settings()[0]
    elif dataset is None:
        raise ValueError(
            f"{str(path)!r} has no {folder.settings.name} beside it, which says what data a run is "
            "of. Name the data with --dataset."
        )
    else:
        settings = TrainingSettings().resolved()
    settings = dataclasses.replace(
        settings,
        dataset=dataset or settings.dataset,
        source="files" if dataset else settings.source,
        data_dir=str(data_dir) if data_dir else (None if dataset else settings.data_dir),
        # Of the run's own data, and of no other.
        corrections=None if dataset else settings.corrections,
        added_classes=None if dataset else settings.added_classes,
        observations=observations or (None if dataset else settings.observations),
        seed=settings.seed if seed is None else seed,
        image_size=image_size_of(model),
    )
    data = read_data(settings, class_names=class_names, splits=("test",))["test"]
    if dataset is None and seed is None:
        _warn_of_changes(folder, data)
    test = batches_of_split(settings, "test", data)
    if test.class_names != class_names and not class_names[0].startswith("class "):
        raise ValueError(
            f"The data {settings.dataset!r} has other classes than the model: "
            f"{len(test.class_names)} from {test.class_names[0]!r} to "
            f"{test.class_names[-1]!r}, and {len(class_names)} from {class_names[0]!r} to "
            f"{class_names[-1]!r}."
        )
    return test, settings


def _warn_of_changes(folder: RunFolder, test: ImageData) -> None:
    """Warns where the test images are not those that the run was started with."""
    if changed := differences(read_files(folder.files, "test"), files_of(test)):
        warnings.warn(
            f"The test images have changed since the run {str(folder.path)!r} was started: "
            f"{changed}. Its accuracies are not comparable with those from before.",
            DatasetWarning,
            stacklevel=3,
        )


def warn_of_seen_images(path: Path, dataset: str, test: ImageData) -> None:
    """Warns where a run was trained on images that it is now to be tested on.

    So it may be where two runs are compared whose splits were drawn with other seeds, or at other
    times.

    Args:
        path: A run folder or a `.keras` file in one; of others nothing is known.
        dataset: The data that the test images are of, as in resolved settings.
        test: The test images.

    Raises:
        ValueError: If a file of the run is damaged.
    """
    if said := _seen_images(path, dataset, test):
        warnings.warn(
            f"{said} Train both with the same --seed on the same files, or compare on other images "
            "(--dataset).",
            DatasetWarning,
            stacklevel=2,
        )


def refuse_seen_images(
    path: Path, settings: TrainingSettings, test: ImageData, seed: int | None
) -> None:
    """Refuses to measure a run on images that another seed draws, and that it was trained on.

    Args:
        path: A run folder or a `.keras` file in one; of others nothing is known.
        settings: Those that `data_for_model` has given with the test images.
        test: The test images.
        seed: The seed that was asked for, or `None` for the run's, whose test images these are:
            what is found among them is in the data twice, and a warning.

    Raises:
        ValueError: If some of them are training or validation images of the run.
    """
    if not (said := _seen_images(path, settings.dataset, test)):
        return
    if seed is not None:
        raise ValueError(f"{said} Leave out --seed, or measure on other images (--dataset).")
    warnings.warn(f"{said} Measure on other images (--dataset).", DatasetWarning, stacklevel=2)


def _seen_images(path: Path, dataset: str, test: ImageData) -> str:
    """What to say of test images that a run was trained on; nothing where there are none."""
    folder = RunFolder.around(path)
    if not folder.settings.is_file() or folder.read_settings()[0].dataset != dataset:
        return ""
    seen = {
        file for split in ("train", "validation") for file in read_files(folder.files, split) or ()
    }
    again = [file for file in files_of(test) if file in seen]
    if not again:
        return ""
    return (
        f"{len(again):,} of {len(test):,} test images ({', '.join(sorted(again)[:3])}) are "
        f"training or validation images of the run {str(path)!r}, which flatters it."
    )


def training_data_of(path: Path, model: keras.Model, class_names: list[str]) -> ImageData | None:
    """The images that a run was trained on, at the size of its model, as they are.

    Args:
        path: The run folder or `.keras` file that the model comes from.
        model: The model.
        class_names: Names of its classes.

    Returns:
        An `ImageData`, or `None` where there is no run folder beside the model.

    Raises:
        ValueError: If the data is missing, or if its classes are others by now.
    """
    folder = RunFolder.around(path)
    if not folder.settings.is_file():
        return None
    settings = dataclasses.replace(folder.read_settings()[0], image_size=image_size_of(model))
    data = read_data(settings, class_names=class_names, splits=("train",))["train"]
    if data.class_names != class_names:
        raise ValueError(f"The data {settings.dataset!r} has other classes than the model.")
    return data


def images_of_run(path: Path, model: keras.Model, split: str, count: int) -> tuple[Any, np.ndarray]:
    """Images of a run's data and their labels, neither augmented nor mixed.

    Args:
        path: The run folder or the `.keras` file in it that the model comes from.
        model: The model.
        split: `"train"`, `"validation"` or `"test"`.
        count: How many images at most.

    Returns:
        Images and labels, the first in the order that the run's seed shuffles them to.

    Raises:
        ValueError: If there is no run folder, or if its data is missing.
    """
    folder = RunFolder.around(path)
    if not folder.settings.is_file():
        raise ValueError(
            f"A smaller precision needs images of the run's data, and {str(path)!r} has no run "
            "folder beside it. Name the run folder, or use keras_rbi.export.export_model."
        )
    settings = dataclasses.replace(
        folder.read_settings()[0],
        image_size=image_size_of(model),
        augment=NO_AUGMENTATION,
        mixup=None,
        cutmix=None,
        sampling=SHUFFLED,
        images_per_class=None,
        images_per_observation=None,
    )
    data = load_split(settings, split)
    plain = ImageSequence(data.data, 32, shuffle="once", seed=settings.seed)
    batches = [plain[number] for number in range(min(len(plain), -(-count // 32)))]
    images = np.concatenate([batch[0] for batch in batches])[:count]
    return images, np.concatenate([batch[1] for batch in batches])[:count]
