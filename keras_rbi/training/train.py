"""Training, from settings to a finished run folder."""

import csv
import io
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
from keras_rbi.evaluation.accuracy_by_relations import accuracy_by_relations
from keras_rbi.figures.training_curves import training_curves
from keras_rbi.models.keras_classifier import relations_of
from keras_rbi.training.averaged_weights import EvaluateAveragedWeights, take_averages
from keras_rbi.training.build import Progress, build_model, load_split
from keras_rbi.training.compile_stage import compile_stage
from keras_rbi.training.fit_data import fit_data
from keras_rbi.training.run_folder import RunFolder
from keras_rbi.training.settings import TrainingSettings
from keras_rbi.training.stages import stage_after, stages

EXAMPLES = 6
History = dict[str, list[float]]


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
        self.folder.save_checkpoint(self.model, epoch + 1, self.history)


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

    def complete(self, verbose: int | str = "auto") -> dict[str, Any]:
        """Trains the epochs that are left, measures, and writes what the folder is to hold.

        Args:
            verbose: As in `keras.Model.fit`. Defaults to `"auto"`.

        Returns:
            The metrics, as in the folder's `metrics.json`.

        Raises:
            ValueError: If an image cannot be read, with its path.
        """
        steps_per_epoch = len(self.training)
        for stage in stages(self.settings):
            begin = max(self.finished_epochs, stage.first_epoch)
            if begin >= stage.end_epoch:
                continue
            if begin == stage.first_epoch > 0:
                # `fit` ends with the averages too: a run that is resumed here is to begin alike.
                take_averages(self.model)
                compile_stage(self.model, self.settings, stage, steps_per_epoch)
            self._fit(begin, stage.end_epoch, verbose)
        take_averages(self.model)
        return _finish(self.model, self.settings, self.folder, self.history, self.test)

    def _fit(self, begin: int, end: int, verbose: int | str) -> None:
        callbacks: list[keras.callbacks.Callback] = [SaveState(self.folder, self.history)]
        if self.settings.ema:
            callbacks.append(EvaluateAveragedWeights())
        try:
            self.model.fit(
                fit_data(self.training, begin),
                shuffle=False,
                validation_data=fit_data(self.validation),
                initial_epoch=begin,
                epochs=end,
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
) -> TrainingRun:
    """Loads the data, builds or loads the model, and makes the folder.

    Whatever a user can get wrong shows here, before anything is written.

    Args:
        settings: The settings. A resumed run takes those of the folder.
        folder: The folder, which must not exist yet unless the run is resumed.
        resume: Whether to go on after the last finished epoch of the folder's run. Defaults to
            `False`.
        progress: Called while photographs are looked at. Defaults to nothing.

    Returns:
        A `TrainingRun` to `complete()`.

    Raises:
        ValueError: If data, backbone or folder are not as they should be. The folder is then not
            made.
    """
    if resume:
        settings, class_names = folder.read_settings()
        if folder.is_finished:
            raise ValueError(
                f"The run {str(folder.path)!r} is finished: there is nothing to resume. Start "
                "another with another --output."
            )
    else:
        settings = settings.resolved()
        if folder.path.exists() and any(folder.path.iterdir()):
            raise ValueError(
                f"The folder {str(folder.path)!r} is not empty. Name another with --output, or go "
                "on with its run with --resume."
            )
    training, validation, test = (
        load_split(settings, split, progress) for split in ("train", "validation", "test")
    )
    if resume and training.class_names != class_names:
        raise ValueError(
            f"The data {settings.dataset!r} has other classes than when the run was started."
        )

    def compile_model(model: keras.Model, epochs: int) -> None:
        compile_stage(model, settings, stage_after(settings, epochs), len(training))

    state = folder.load_checkpoint(compile_model) if resume else None
    if state is None:
        state = build_model(settings, training.class_names, len(training)), 0, History()
        folder.write_settings(settings, training.class_names)
        _write_examples(folder, test)
    return TrainingRun(settings, folder, state[0], training, validation, test, *state[1:])


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


def _finish(
    model: keras.Model,
    settings: TrainingSettings,
    folder: RunFolder,
    history: History,
    test: ImageSequence,
) -> dict[str, Any]:
    rows = accuracy_by_relations(model, test)
    relations = relations_of(model)
    metrics = {
        "test_accuracy": _accuracy_of_the_model(rows, relations),
        "relations": relations,
        "test_accuracy_by_relations": [row.as_dict() for row in rows],
        "test_images": test.num_images,
        "test_order": f"shuffled once, seed {settings.seed}",
        "test_note": note_on(settings.dataset),
        "last_epoch": {name: values[-1] for name, values in history.items()},
        "parameters": model.count_params(),
        "settings": settings.as_dict(),
        "backend": keras.config.backend(),
        "versions": {
            name: version(name) for name in ("keras", keras.config.backend(), "keras-rbi")
        },
    }
    write_atomically(folder.model, model.save)
    _write_history(folder, history)
    figure = training_curves(history, f"{settings.backbone} on {_short_name(settings.dataset)}")
    write_atomically(folder.curves, lambda path: figure.savefig(path, dpi=150))
    folder.write_json(folder.metrics, metrics)
    folder.remove_checkpoints()
    return metrics


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


def _write_examples(folder: RunFolder, test: ImageSequence) -> None:
    folder.examples.mkdir(exist_ok=True)
    images, labels = test[0][:2]
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        if number == EXAMPLES:
            break
        name = f"{number + 1}-{test.class_names[label]}.png".replace("/", "_")
        picture = Image.fromarray(np.asarray(image))
        write_atomically(folder.examples / name, picture.save)
