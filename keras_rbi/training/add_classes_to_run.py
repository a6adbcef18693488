"""A run with further classes, made of a finished one without training its backbone."""

import csv
import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_rbi.datasets.image_data import ImageData
from keras_rbi.models.add_classes import ALLOWED_LOSS, check_can_add, classified_features, head_of
from keras_rbi.models.image_size import image_size_of
from keras_rbi.training.build import batches_of_split
from keras_rbi.training.checkpoints import History
from keras_rbi.training.finish import finish, images_of_splits
from keras_rbi.training.run_data import SPLITS, read_data
from keras_rbi.training.run_files import write_files
from keras_rbi.training.run_folder import RunFolder
from keras_rbi.training.settings import TrainingSettings
from keras_rbi.training.train import write_examples
from keras_rbi.training.trained_model import load_trained_model
from keras_rbi.training.write_observation_calibration import write_observation_calibration

Progress = Callable[[str, int, int], None]
# Of an old class more images tell a linear classifier little.
MOST_KNOWN = 50
# Of a class, in points: more of a loss is told.
LOSS_TO_TELL = 1.0


class SomeImages:
    """Some images of a data set, which are read when they are asked for, as an array gives them.

    Args:
        data: The data set.
        numbers: Of the images.
    """

    def __init__(self, data: ImageData, numbers: np.ndarray) -> None:
        self.data: ImageData = data
        self.numbers: np.ndarray = numbers
        self.shape: tuple[int, int, int, int] = (len(numbers), data.image_size, data.image_size, 3)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return np.stack([self.data.image(int(number)) for number in self.numbers[rows]])


@dataclass(frozen=True)
class AddedToRun:
    """What has become of the accuracy, on the test images.

    Attributes:
        class_names: Names of the classes that were added.
        old_before: Top-1 accuracy of the old classes before, from 0 to 1.
        old_after: The same afterwards, among all classes.
        new_after: That of the new classes.
        all_after: That of all.
        lost: From names of old classes that lost more than one point to the change in points.
    """

    class_names: list[str]
    old_before: float
    old_after: float
    new_after: float
    all_after: float
    lost: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return dataclasses.asdict(self)


def add_classes_to_run(
    path: str | Path,
    further: str | Path,
    folder: RunFolder,
    refit: bool = False,
    allowed_loss: float = ALLOWED_LOSS,
    progress: Progress = lambda *_: None,
) -> AddedToRun:
    """Makes a run with further classes of a finished one, which stays as it is.

    Rows for them are fitted to their training and validation images and to at most 50 training
    images of each old class; how far they are held back is found on the validation images of the
    old classes, and on folds of the new ones. The test images tell what has become of it.

    Args:
        path: The finished run's folder.
        further: A folder with a folder of images for each new class, or a table, as in `load`.
        folder: The new run's, in which there is nothing yet.
        refit: As in `RBIModel.add_classes`. Defaults to `False`.
        allowed_loss: As in `RBIModel.add_classes`. Defaults to `0.01`.
        progress: As in `read_data`. Defaults to nothing.

    Returns:
        An `AddedToRun`.

    Raises:
        ValueError: If there is no finished run, if its model cannot be given classes, if data is
            missing or unfit, or if the folder is taken.
    """
    before = RunFolder(path)
    settings = _settings_with(before, Path(further))
    folder.check_start(settings, resume=False)
    model, class_names = load_trained_model(before.path)
    check_can_add(model)
    settings = dataclasses.replace(settings, image_size=image_size_of(model))
    data = read_data(settings, progress, class_names)
    count, names = len(class_names), data["train"].class_names
    if names[:count] != class_names:
        raise ValueError(
            f"The data {settings.dataset!r} has other classes than when the run "
            f"{str(path)!r} was trained. Bring back its folders."
        )
    known, held_out = (_of_old(data[split], count) for split in ("train", "validation"))
    images, labels = _of_new(data, count)
    made = model.add_classes(
        images,
        labels,
        names[count:],
        known,
        held_out,
        refit,
        allowed_loss,
        settings.seed,
    )
    found = _measured(model, made, data["test"], count)
    with folder.locked():
        folder.check_start(settings, resume=False)
        folder.copy_corrections(settings)
        folder.write_settings(settings, names)
        write_files(folder.files, data)
        test = batches_of_split(settings, "test", data["test"])
        write_examples(folder, test)
        validation = batches_of_split(settings, "validation", data["validation"])
        write_observation_calibration(folder, made, validation)
        history = _history(before)
        more = {
            **images_of_splits(*(data[split] for split in SPLITS)),
            "added_classes": found.as_dict(),
        }
        finish(made, settings, folder, history, test, more=more)
    return found


def _settings_with(before: RunFolder, further: Path) -> TrainingSettings:
    """The settings of a finished run, with further classes."""
    if not before.is_finished:
        # What is no run is told as such.
        before.read_settings()
        raise ValueError(
            f"The run {str(before.path)!r} is not finished. Go on with it: keras-rbi train "
            f"--resume --output {before.path}"
        )
    settings = before.read_settings()[0]
    if not further.exists():
        raise ValueError(
            f"There is no folder {str(further)!r}. Name one with a folder of images for each new "
            "class, or a table of paths and labels."
        )
    paths = [path for path in (settings.added_classes, str(further.resolve())) if path]
    return dataclasses.replace(settings, added_classes=os.pathsep.join(paths))


def _of_old(data: ImageData, count: int) -> tuple[SomeImages, np.ndarray]:
    """Images of the old classes, of each so many at most, and their labels."""
    rng = np.random.default_rng(0)
    parts = [
        np.sort(rng.permutation(np.flatnonzero(data.labels == label))[:MOST_KNOWN])
        for label in range(count)
    ]
    numbers = np.concatenate(parts)
    return SomeImages(data, numbers), data.labels[numbers]


def _of_new(data: dict[str, ImageData], count: int) -> tuple[np.ndarray, np.ndarray]:
    """All images of the new classes that are not for the test, and their labels from 0 on."""
    images, labels = [], []
    for split in SPLITS[:2]:
        numbers = np.flatnonzero(data[split].labels >= count)
        if len(numbers):
            images.append(SomeImages(data[split], numbers)[np.arange(len(numbers))])
            labels.append(data[split].labels[numbers] - count)
    return np.concatenate(images), np.concatenate(labels)


def _measured(model: Any, made: Any, test: ImageData, count: int) -> AddedToRun:
    """Accuracies on the test images before and after; features are the same."""
    features = classified_features(model, SomeImages(test, np.arange(len(test))))
    labels, is_old = test.labels, test.labels < count
    after = head_of(made).logits(features).argmax(1) == labels
    before = head_of(model).logits(features[is_old]).argmax(1) == labels[is_old]
    changes = {
        test.class_names[label]: 100
        * float(after[labels == label].mean() - before[labels[is_old] == label].mean())
        for label in np.unique(labels[is_old]).tolist()
    }
    return AddedToRun(
        test.class_names[count:],
        _mean(before),
        _mean(after[is_old]),
        _mean(after[~is_old]),
        _mean(after),
        {name: round(change, 1) for name, change in changes.items() if change < -LOSS_TO_TELL},
    )


def _mean(right: np.ndarray) -> float:
    return float(right.mean()) if len(right) else 0.0


def _history(folder: RunFolder) -> History:
    """The epochs of a finished run."""
    if not folder.history.is_file():
        return {}
    with folder.history.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = [name for name in (rows[0] if rows else {}) if name != "epoch"]
    return {name: [float(row[name]) for row in rows] for name in names}
