"""Training, from settings to a finished run folder."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from keras_rbi.atomic_write import write_atomically
from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.datasets.catalogue import note_on
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation.accuracy_by_relations import accuracy_by_relations
from keras_rbi.figures.training_curves import training_curves
from keras_rbi.models.keras_classifier import relations_of
from keras_rbi.models.loading import load_model
from keras_rbi.training.averaged_weights import EvaluateAveragedWeights, take_averages
from keras_rbi.training.build import Progress, batches_of_split, build_model
from keras_rbi.training.checkpoints import History, load_checkpoint, save_checkpoint
from keras_rbi.training.class_weights import class_weights
from keras_rbi.training.compile_stage import compile_stage
from keras_rbi.training.feature_head import train_on_features
from keras_rbi.training.fit_data import fit_data
from keras_rbi.training.observation_calibration import write_observation_calibration
from keras_rbi.training.run_data import SPLITS, read_data
from keras_rbi.training.run_files import differences, files_of, read_files, write_files
from keras_rbi.training.run_folder import RunFolder
from keras_rbi.training.settings import TrainingSettings
from keras_rbi.training.stages import stage_after, stages

EXAMPLES = 6
# Of a file's name: separators, control characters, and bytes that are no text.
NOT_IN_FILE_NAMES = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]")
LONGEST_NAME = 200


class SaveState(keras.callbacks.Callback):
    """Keeps what a killed run needs to go on as if it had not been killed.

    Args:
        folder: Where to.
        history: History of the epochs before this `fit`; it grows by each epoch.
    """

    def __init__(self, folder: RunFolder, history: History) -> None:
        super().__init__()
        self.folder = folder
        self.history = history

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the epoch to the history and saves model, optimizer and history."""
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        save_checkpoint(self.folder, self.model, epoch + 1, self.history)


@dataclass
class TrainingRun:
    """A run whose data and model are there, and whose folder is made: what is left is to train."""

    settings: TrainingSettings
    folder: RunFolder
    model: keras.Model
    training: ImageSequence
    validation: ImageSequence
    test: ImageSequence
    finished_epochs: int
    history: History
    _head_accuracy: float | None = None

    def complete(self, verbose: int | str = "auto") -> dict[str, Any]:
        """Trains the epochs that are left, measures, and writes what the folder is to hold.

        Args:
            verbose: As in `keras.Model.fit`. Defaults to `"auto"`.

        Returns:
            The metrics, as in the folder's `metrics.json`.

        Raises:
            ValueError: If an image cannot be read, with its path, or if another process trains in
                the folder.
        """
        with self.folder.locked():
            self.fit(verbose=verbose)
            return self.finish()

    def fit_head(self, progress: Progress = lambda *_: None) -> float | None:
        """Trains the head on features that are extracted once, where the settings ask for it.

        Of a run that is resumed after its first epoch, it has been trained already.

        Args:
            progress: Called with the split whose features are extracted, and the numbers of done
                and of all images. Defaults to nothing.

        Returns:
            The accuracy on the validation images with the backbone as it was, 0 to 1; `None` where
            nothing was to be trained.
        """
        asked = self.settings.quick or self.settings.feature_head
        if not asked or self.finished_epochs or self._head_accuracy is not None:
            return self._head_accuracy
        history = train_on_features(
            self.model, self.settings, self.training, self.validation, progress
        )
        if self.settings.quick:
            self.history.update(history)
        self._head_accuracy = float(history["val_accuracy"][-1])
        return self._head_accuracy

    def fit(
        self, callbacks: Sequence[keras.callbacks.Callback] = (), verbose: int | str = "auto"
    ) -> None:
        """Trains the epochs that are left.

        Args:
            callbacks: Further callbacks. Defaults to none.
            verbose: As in `keras.Model.fit`. Defaults to `"auto"`.

        Raises:
            ValueError: If an image cannot be read, with its path, or if another process trains in
                the folder.
        """
        with self.folder.locked():
            self._fit_stages(callbacks, verbose)

    def _fit_stages(
        self, callbacks: Sequence[keras.callbacks.Callback], verbose: int | str
    ) -> None:
        self.fit_head()
        if self.settings.quick:
            return
        steps_per_epoch = len(self.training)
        for stage in stages(self.settings):
            begin = max(self.finished_epochs, stage.first_epoch)
            if begin >= stage.end_epoch:
                continue
            if begin == stage.first_epoch > 0:
                # `fit` ends with the averages too: a run that is resumed here is to begin alike.
                take_averages(self.model)
                compile_stage(self.model, self.settings, stage, steps_per_epoch)
            self._fit(begin, stage.end_epoch, callbacks, verbose)
        take_averages(self.model)

    def finish(self, keep_optimizer: bool = False) -> dict[str, Any]:
        """Measures the trained model, and writes what the folder is to hold.

        Args:
            keep_optimizer: Boolean, whether `model.keras` keeps the optimizer and its state, which
                can be three times as large as the model. Defaults to `False`.

        Returns:
            The metrics, as in the folder's `metrics.json`.
        """
        with self.folder.locked():
            write_observation_calibration(self.folder, self.model, self.validation)
            return finish_run(
                self.model, self.settings, self.folder, self.history, self.test, keep_optimizer
            )

    def _class_weights(self) -> dict[int, float] | None:
        if not self.settings.class_weights:
            return None
        return class_weights(self.training.data.labels, len(self.training.class_names))

    def _fit(
        self,
        begin: int,
        end: int,
        callbacks: Sequence[keras.callbacks.Callback],
        verbose: int | str,
    ) -> None:
        averages = [EvaluateAveragedWeights()] if self.settings.ema else []
        callbacks = [SaveState(self.folder, self.history), *averages, *callbacks]
        try:
            self.model.fit(
                fit_data(self.training, begin),
                shuffle=False,
                validation_data=fit_data(self.validation),
                initial_epoch=begin,
                epochs=end,
                class_weight=self._class_weights(),
                callbacks=callbacks,
                verbose=verbose,
            )
        except Exception as error:
            # TensorFlow turns an image that cannot be read into an error of its own.
            for failure in (self.training.failure, self.validation.failure):
                if failure is not None:
                    raise failure from error
            raise


def prepare(
    settings: TrainingSettings,
    folder: RunFolder,
    resume: bool = False,
    progress: Progress = lambda *_: None,
    data: Mapping[str, ImageData] | None = None,
    allow_changed_data: bool = False,
) -> TrainingRun:
    """Loads the data, builds or loads the model, and makes the folder.

    Whatever a user can get wrong shows here, before anything is written.

    Args:
        settings: The settings. A resumed run takes those of the folder.
        folder: The folder, which must not exist yet unless the run is resumed.
        resume: Whether to go on after the last finished epoch of the folder's run. Defaults to
            `False`.
        progress: Called while photographs are looked at. Defaults to nothing.
        data: The images of each split, where `read_data` has read them already. Defaults to
            `None`.
        allow_changed_data: Boolean, whether a run is resumed whose training or validation images
            have changed since it was started. The folder then remembers those of today. Defaults
            to `False`.

    Returns:
        A `TrainingRun` to `complete()`.

    Raises:
        ValueError: If data, backbone or folder are not as they should be, or if another process
            trains in the folder. The folder is then not made.
    """
    settings, class_names = folder.check_start(settings, resume)
    if resume:
        with folder.locked():
            return _prepare(settings, folder, class_names, progress, data, allow_changed_data)
    return _prepare(settings, folder, None, progress, data, allow_changed_data)


def _prepare(
    settings: TrainingSettings,
    folder: RunFolder,
    class_names: list[str] | None,
    progress: Progress,
    data: Mapping[str, ImageData] | None,
    allow_changed_data: bool,
) -> TrainingRun:
    """As `prepare`, with checked settings, and with class names where the run is resumed."""
    images = read_data(settings, progress, class_names) if data is None else data
    training, validation, test = (
        batches_of_split(settings, split, images[split]) for split in SPLITS
    )
    if class_names is not None and training.class_names != class_names:
        raise ValueError(
            f"The data {settings.dataset!r} has other classes than when the run was started."
        )

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
    return TrainingRun(settings, folder, state[0], training, validation, test, *state[1:])


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


def finish_run(
    model: keras.Model,
    settings: TrainingSettings,
    folder: RunFolder,
    history: History,
    test: ImageSequence,
    keep_optimizer: bool = False,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Measures a trained model, and writes what the folder of a finished run is to hold.

    Args:
        model: The model.
        settings: Resolved settings.
        folder: The folder.
        history: Losses and accuracies of its epochs.
        test: The test images.
        keep_optimizer: As in `TrainingRun.finish`. Defaults to `False`.
        more: Further metrics. Defaults to none.

    Returns:
        The metrics, as in the folder's `metrics.json`.
    """
    rows = accuracy_by_relations(model, test)
    relations = relations_of(model)
    metrics = {
        "test_accuracy": _accuracy_of_the_model(rows, relations),
        "relations": relations,
        "test_accuracy_by_relations": [row.as_dict() for row in rows],
        "test_images": test.num_images,
        "classes": len(test.class_names),
        "test_order": f"shuffled once, seed {settings.seed}",
        "test_note": note_on(settings.dataset),
        "corrections_sha256": folder.corrections_digest(),
        "last_epoch": {name: values[-1] for name, values in history.items()},
        "parameters": model.count_params(),
        "settings": settings.as_dict(),
        "backend": keras.config.backend(),
        "versions": {
            name: version(name) for name in ("keras", keras.config.backend(), "keras-rbi")
        },
        **(more or {}),
    }
    write_atomically(folder.model, lambda path: _save(model, path, keep_optimizer), durable=True)
    _write_history(folder, history)
    figure = training_curves(history, f"{settings.backbone} on {_short_name(settings.dataset)}")
    write_atomically(folder.curves, lambda path: figure.savefig(path, dpi=150))
    folder.write_json(folder.metrics, metrics)
    folder.remove_checkpoints()
    return metrics


def _save(model: keras.Model, path: Path, keep_optimizer: bool) -> None:
    model.save(path)
    if not keep_optimizer:
        # Saved and loaded, since Keras has no way to take an optimizer from a model.
        load_model(path, compile=False).save(path)


def _accuracy_of_the_model(rows: list[Any], relations: str) -> float:
    """Accuracy in the model's own mode, at the paper's batch size of 32 where that matters."""
    return next(
        row.accuracy for row in rows if row.relations == relations and row.batch_size in (None, 32)
    )


def _short_name(dataset: str) -> str:
    return Path(dataset).name


def _write_history(folder: RunFolder, history: History) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", *history])
    for epoch, values in enumerate(zip(*history.values(), strict=True), start=1):
        writer.writerow([epoch, *values])
    write_atomically(folder.history, lambda path: path.write_text(text.getvalue(), "utf-8"))


def write_examples(folder: RunFolder, test: ImageSequence) -> None:
    """Writes some test images, to try `predict` on."""
    folder.examples.mkdir(exist_ok=True)
    images, labels = test[0][:2]
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        if number == EXAMPLES:
            break
        name = f"{number + 1}-{_file_name(test.class_names[label])}.png"
        picture = Image.fromarray(np.asarray(image))
        write_atomically(folder.examples / name, picture.save)


def _file_name(class_name: str) -> str:
    """A class name that any disk takes as a part of a file's name."""
    plain = NOT_IN_FILE_NAMES.sub("_", class_name)
    return plain.encode()[:LONGEST_NAME].decode(errors="ignore")
