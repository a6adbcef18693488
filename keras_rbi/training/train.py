"""Training, from settings to a finished run folder."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from PIL import Image

from keras_rbi.atomic_write import write_atomically
from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.datasets.files.class_folders import class_folders
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.distribution.devices import Devices
from keras_rbi.training.build import Progress, batches_of_split, build_model
from keras_rbi.training.checkpoints import History, load_checkpoint
from keras_rbi.training.compile_stage import compile_stage
from keras_rbi.training.data_on_devices import check_batches
from keras_rbi.training.devices_of_run import devices_of_run
from keras_rbi.training.run_data import SPLITS, read_data
from keras_rbi.training.run_files import differences, files_of, read_files, write_files
from keras_rbi.training.run_folder import RunFolder
from keras_rbi.training.settings import TrainingSettings
from keras_rbi.training.settings_for import settings_for
from keras_rbi.training.stages import stage_after
from keras_rbi.training.training_run import TrainingRun

EXAMPLES = 6


def prepare(
    settings: TrainingSettings,
    folder: RunFolder,
    resume: bool = False,
    progress: Progress = lambda *_: None,
    data: Mapping[str, ImageData] | None = None,
    allow_changed_data: bool = False,
    devices: Devices | None = None,
) -> TrainingRun:
    """Loads the data, builds or loads the model, and makes the folder.

    Whatever a user can get wrong shows here, before anything is written.

    Args:
        settings: The settings; what they leave open follows from the images too, see
            `settings_for`. A resumed run takes those of the folder.
        folder: The folder, which must not exist yet unless the run is resumed.
        resume: Whether to go on after the last finished epoch of the folder's run. Defaults to
            `False`.
        progress: Called while photographs are looked at. Defaults to nothing.
        data: The images of each split, where `read_data` has read them already. Defaults to
            `None`.
        allow_changed_data: Boolean, whether a run is resumed whose training or validation images
            have changed since it was started. The folder then remembers those of today. Defaults
            to `False`.
        devices: What `devices_of_run` has found, where it was called already. Defaults to `None`,
            those that the settings ask for.

    Returns:
        A `TrainingRun` to `complete()`.

    Raises:
        ValueError: If data, backbone or folder are not as they should be, or if another process
            trains in the folder. The folder is then not made.
    """
    resolved, class_names = folder.check_start(settings, resume)
    devices = devices_of_run(resolved) if devices is None else devices
    images = read_data(resolved, progress, class_names) if data is None else data
    if resume:
        with folder.locked():
            return _prepare(resolved, folder, class_names, images, allow_changed_data, devices)
    resolved = settings_for(settings, len(images["train"]))
    return _prepare(resolved, folder, None, images, allow_changed_data, devices)


def _prepare(
    settings: TrainingSettings,
    folder: RunFolder,
    class_names: list[str] | None,
    images: Mapping[str, ImageData],
    allow_changed_data: bool,
    devices: Devices,
) -> TrainingRun:
    """As `prepare`, with checked settings, and with class names where the run is resumed."""
    training, validation, test = (
        batches_of_split(settings, split, images[split]) for split in SPLITS
    )
    if class_names is not None and training.class_names != class_names:
        raise ValueError(
            f"The data {settings.dataset!r} has other classes than when the run was started."
        )

    check_batches(devices, settings.batch_size, bool(settings.class_weights), len(training.labels))
    if class_names is not None:
        _check_files(folder, images, allow_changed_data)

    def compile_model(model: keras.Model, epochs: int) -> None:
        compile_stage(model, settings, stage_after(settings, epochs), len(training))

    state = None if class_names is None else load_checkpoint(folder, compile_model)
    if state is None:
        state = build_model(settings, training.class_names, len(training)), 0, History()
        with folder.locked():
            if class_names is None:
                # Another process may have begun in it meanwhile.
                folder.check_start(settings, resume=False)
            folder.copy_corrections(settings)
            folder.write_settings(settings, training.class_names)
            write_files(folder.files, images)
            write_examples(folder, test)
    return TrainingRun(
        settings, folder, state[0], training, validation, test, *state[1:], devices=devices
    )


def _check_files(
    folder: RunFolder, images: Mapping[str, ImageData], allow_changed_data: bool
) -> None:
    """Refuses to go on with other training images than a run was started with."""
    for split in ("train", "validation"):
        changed = differences(read_files(folder.files, split), files_of(images[split]))
        if changed and not allow_changed_data:
            raise ValueError(
                f"The {split} images have changed since the run {str(folder.path)!r} was started: "
                f"{changed}. Bring them back, start a new run, or go on with --allow-changed-data."
            )
        if changed:
            write_files(folder.files, images)


def train(
    settings: TrainingSettings,
    folder: RunFolder,
    resume: bool = False,
    progress: Progress = lambda *_: None,
    verbose: int | str = "auto",
) -> dict[str, Any]:
    """Trains a model and leaves a run folder: `prepare`, then `complete`.

    Args:
        settings: As in `prepare`.
        folder: As in `prepare`.
        resume: As in `prepare`.
        progress: As in `prepare`.
        verbose: As in `TrainingRun.complete`.

    Returns:
        The metrics, as in the folder's `metrics.json`.

    Raises:
        ValueError: As `prepare` does.
    """
    return prepare(settings, folder, resume, progress).complete(verbose)


def write_examples(folder: RunFolder, test: ImageSequence) -> None:
    """Writes some test images into folders named after their classes, to try `predict` on."""
    folders = list(class_folders(test.class_names))
    images, labels = test[0][:2]
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        if number == EXAMPLES:
            break
        picture = Image.fromarray(np.asarray(image))
        write_atomically(folder.examples / folders[label] / f"{number + 1}.png", picture.save)
