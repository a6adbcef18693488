"""The weights of the epoch that did best on the validation images."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_rbi.atomic_write import write_atomically
from keras_rbi.models.loading import reason_of
from keras_rbi.training.averaged_weights import averages_in_place
from keras_rbi.training.checkpoints import CheckpointError
from keras_rbi.training.run_folder import RunFolder

WAY_OUT = (
    "Take away best.json and best.npz there, and --resume keeps the best of the epochs that "
    "are left, or else the last."
)


@dataclass(frozen=True)
class BestEpoch:
    """The best epoch of a run so far.

    Attributes:
        epoch: Its number, from 1; 0 is the head on features, before the first.
        accuracy: That on the validation images, 0 to 1.
    """

    epoch: int
    accuracy: float


class KeepBestEpoch(keras.callbacks.Callback):
    """Keeps the weights with which a model is validated, where they do as well as any before.

    Of equals the latest is kept: it has learned for longer. Accuracy decides and not the loss, of
    which a network that fits its images sees the least long before it has stopped to improve. A
    head that was found on features is left for more right images alone: it fits its images least.

    Args:
        folder: The run.
        patience: Epochs without a better one, or one as good, after which training ends; 0 never
            ends it.
        first_epoch: Number of finished epochs that patience begins with. Defaults to `0`.
    """

    def __init__(self, folder: RunFolder, patience: int, first_epoch: int = 0) -> None:
        super().__init__()
        self._folder, self._patience, self._first_epoch = folder, patience, first_epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keeps the weights, or ends the training."""
        accuracy = float((logs or {})["val_accuracy"])
        best = read_best(self._folder)
        if best is None or is_better(accuracy, best):
            keep_best(self._folder, self.model, BestEpoch(epoch + 1, accuracy))
        elif has_stopped(best, self._patience, self._first_epoch, epoch + 1):
            self.model.stop_training = True


def is_better(accuracy: float, best: BestEpoch) -> bool:
    """Whether an epoch takes the place of the best so far.

    Example:

    >>> from keras_rbi.training.best_epoch import BestEpoch, is_better
    >>> [is_better(0.8, BestEpoch(epoch, 0.8)) for epoch in (0, 1)]
    [False, True]
    """
    return accuracy >= best.accuracy if best.epoch else accuracy > best.accuracy


def has_stopped(
    best: BestEpoch | None, patience: int, first_epoch: int, finished_epochs: int
) -> bool:
    """Whether a run has gone on for long enough without a better epoch.

    Args:
        best: Its best epoch.
        patience: Epochs that it may go on for; 0 is for ever.
        first_epoch: Number of finished epochs that patience begins with.
        finished_epochs: Number of finished epochs.

    Example:

    >>> from keras_rbi.training.best_epoch import BestEpoch, has_stopped
    >>> has_stopped(BestEpoch(4, 0.8), patience=3, first_epoch=0, finished_epochs=7)
    True
    """
    if best is None or not patience:
        return False
    return finished_epochs - max(best.epoch, first_epoch) >= patience


def keep_best(folder: RunFolder, model: keras.Model, best: BestEpoch) -> None:
    """Writes the weights of a model, averaged if it averages them, as those of the best epoch."""
    with averages_in_place(model):
        weights = model.get_weights()
    # As NumPy writes them: HDF5 takes the process down, some time later, where a disk is full.
    write_atomically(folder.best_weights, lambda path: np.savez(path, *weights), durable=True)
    # After the weights: killed between the two, a run goes through the epoch again.
    folder.write_json(folder.best, {**asdict(best), "sha256": _digest(folder.best_weights)})


def read_best(folder: RunFolder) -> BestEpoch | None:
    """The best epoch that a run has kept, or `None` where it has kept none.

    Raises:
        ValueError: If the file is damaged, with what to do.
    """
    content = _read(folder)
    return None if content is None else BestEpoch(content["epoch"], content["accuracy"])


def take_best(folder: RunFolder, model: keras.Model) -> BestEpoch | None:
    """Gives a model the weights of the best epoch.

    Returns:
        That epoch, or `None` where none has been kept and the model keeps its weights.

    Raises:
        ValueError: If they cannot be read, with what to do.
    """
    content = _read(folder)
    if content is None:
        return None
    try:
        whole = _digest(folder.best_weights) == content["sha256"]
        reason = "its content is another than was written."
    except OSError as error:
        whole, reason = False, reason_of(error)
    if not whole:
        raise CheckpointError(f"{str(folder.best_weights)!r} cannot be read: {reason} {WAY_OUT}")
    with np.load(folder.best_weights, allow_pickle=False) as file:
        model.set_weights([file[name] for name in file.files])
    return BestEpoch(content["epoch"], content["accuracy"])


def _read(folder: RunFolder) -> dict[str, Any] | None:
    if not folder.best.exists():
        return None
    try:
        content = json.loads(folder.best.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{str(folder.best)!r} is damaged: {reason_of(error)} {WAY_OUT}"
        ) from error
    if (
        not isinstance(content, dict)
        or type(content.get("epoch")) is not int
        or type(content.get("accuracy")) not in (int, float)
        or not isinstance(content.get("sha256"), str)
    ):
        raise CheckpointError(
            f"{str(folder.best)!r} is damaged: it names no epoch, accuracy and digest. {WAY_OUT}"
        )
    return content


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
