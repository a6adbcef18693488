"""A training run: its data, its model and its folder."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.distribution.devices import Devices
from keras_rbi.training.averaged_weights import EvaluateAveragedWeights, take_averages
from keras_rbi.training.best_epoch import (
    BestEpoch,
    KeepBestEpoch,
    has_stopped,
    keep_best,
    read_best,
    take_best,
)
from keras_rbi.training.build import Progress
from keras_rbi.training.checkpoints import History, made_anew, save_checkpoint
from keras_rbi.training.class_weights import class_weights
from keras_rbi.training.compile_stage import compile_stage
from keras_rbi.training.data_on_devices import data_on_devices
from keras_rbi.training.feature_head import train_on_features
from keras_rbi.training.finish import finish, images_of_splits
from keras_rbi.training.rate_after_head import rate_after_head
from keras_rbi.training.run_folder import RunFolder
from keras_rbi.training.settings import TrainingSettings
from keras_rbi.training.stages import Stage, stage_after, stages
from keras_rbi.training.write_observation_calibration import write_observation_calibration


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


class BeforeTests(keras.callbacks.Callback):
    """Has devices agree on what a model is tested with.

    Args:
        devices: The devices.
    """

    def __init__(self, devices: Devices) -> None:
        super().__init__()
        self._devices = devices

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Asks the devices."""
        self._devices.before_test(self.model)


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
    devices: Devices = field(default_factory=Devices)
    _head_accuracy: float | None = None
    _best: BestEpoch | None = None

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
        if self.settings.keep_best and not self.settings.quick:
            keep_best(self.folder, self.model, BestEpoch(0, self._head_accuracy))
        if self.settings.rate_by_head and not self.settings.quick:
            self._take_rate(rate_after_head(self._head_accuracy))
        return self._head_accuracy

    def _take_rate(self, rate: float) -> None:
        """Trains with another learning rate from now on, and when the run is resumed."""
        self.settings = dataclasses.replace(self.settings, learning_rate=rate)
        self.folder.write_settings(self.settings, self.training.class_names)
        stage = stage_after(self.settings, self.finished_epochs)
        compile_stage(self.model, self.settings, stage, len(self.training))

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
        # What follows is for the first process, and may take it long.
        self.devices.leave()

    def _fit_stages(
        self, callbacks: Sequence[keras.callbacks.Callback], verbose: int | str
    ) -> None:
        self.fit_head()
        if self.settings.quick:
            return
        with self.devices.scope():
            self._move(stage_after(self.settings, self.finished_epochs))
            last = self._fit_each_stage(callbacks, verbose)
        self._move(last)

    def _move(self, stage: Stage) -> None:
        """Makes the model anew where it is to be, if it was made on other devices."""
        if self.devices.is_elsewhere:
            steps = len(self.training)
            self.model = made_anew(
                self.model, lambda model: compile_stage(model, self.settings, stage, steps)
            )

    def _fit_each_stage(
        self, callbacks: Sequence[keras.callbacks.Callback], verbose: int | str
    ) -> Stage:
        """Trains the epochs that are left; gives the stage that the model is compiled for."""
        steps_per_epoch = len(self.training)
        compiled_for = stage_after(self.settings, self.finished_epochs)
        for stage in stages(self.settings):
            begin = max(self.finished_epochs, stage.first_epoch)
            if begin >= stage.end_epoch or self._has_stopped(stage, begin):
                continue
            if begin == stage.first_epoch > 0:
                # `fit` ends with the averages too: a run that is resumed here is to begin alike.
                take_averages(self.model)
                compile_stage(self.model, self.settings, stage, steps_per_epoch)
            compiled_for = stage
            self._fit(begin, stage, callbacks, verbose)
        take_averages(self.model)
        if self.settings.keep_best:
            self._best = take_best(self.folder, self.model)
        return compiled_for

    def _patience(self, stage: Stage) -> int:
        """That of a stage: a head that learns no more has yet to be followed by the rest."""
        last = stage.end_epoch == self.settings.epochs
        return (self.settings.patience or 0) if last else 0

    def _has_stopped(self, stage: Stage, finished_epochs: int) -> bool:
        """Whether a run that is resumed had ended already, before its last epoch."""
        patience = self._patience(stage)
        return bool(patience) and has_stopped(
            read_best(self.folder), patience, stage.first_epoch, finished_epochs
        )

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
            return finish(
                self.model,
                self.settings,
                self.folder,
                self.history,
                self.test,
                keep_optimizer,
                self._best,
                images_of_splits(self.training.data, self.validation.data, self.test.data),
            )

    def _class_weights(self) -> dict[int, float] | None:
        if not self.settings.class_weights:
            return None
        return class_weights(self.training.data.labels, len(self.training.class_names))

    def _fit(
        self,
        begin: int,
        stage: Stage,
        callbacks: Sequence[keras.callbacks.Callback],
        verbose: int | str,
    ) -> None:
        keeps: list[keras.callbacks.Callback] = []
        if self.settings.keep_best:
            # Before the state, after which a run that is killed does not see the epoch again.
            keeps.append(KeepBestEpoch(self.folder, self._patience(stage), stage.first_epoch))
        keeps.append(SaveState(self.folder, self.history))
        if self.settings.ema:
            keeps.append(EvaluateAveragedWeights())
        keeps.insert(0, BeforeTests(self.devices))
        self.devices.before_fit(self.model)
        data, training = data_on_devices(self.training, self.devices, True, begin)
        tests, validation = data_on_devices(self.validation, self.devices, False)
        try:
            self.model.fit(
                data,
                shuffle=False,
                validation_data=tests,
                initial_epoch=begin,
                epochs=stage.end_epoch,
                class_weight=self._class_weights(),
                callbacks=[*keeps, *callbacks],
                verbose=verbose,
            )
        except Exception as error:
            # TensorFlow turns an image that cannot be read into an error of its own.
            for failure in (training.failure, validation.failure):
                if failure is not None:
                    raise failure from error
            raise
