"""The folder that a training run leaves, written so that nothing in it is ever half there."""

import dataclasses
import hashlib
import itertools
import json
import shlex
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from keras_rbi.atomic_write import PREFIX, remove_unfinished, write_atomically
from keras_rbi.datasets.files.records import PERMUTATION
from keras_rbi.file_lock import LockedError, locked
from keras_rbi.models.methods import METHODS
from keras_rbi.models.variants import OF_0_1
from keras_rbi.strict_json import strict_json
from keras_rbi.training.recipes import RECIPES
from keras_rbi.training.setting import check_values
from keras_rbi.training.settings import TrainingSettings

# Of the files that Keras loads; the others are its former format.
MODEL_SUFFIXES = (".keras", ".h5", ".hdf5")


class RunFolder:
    """Files of a training run.

    | file | what |
    |---|---|
    | `settings.json` | the settings and the class names |
    | `model.keras` | the trained model |
    | `metrics.json` | accuracies, the settings, the machine's software |
    | `history.csv` | loss and accuracy of each epoch |
    | `curves.png` | the same as a picture |
    | `README.md` | the model card: data, accuracy, calibration, what it must not be used for |
    | `files.csv.gz` | the image files of each split, with label and size, to tell later changes |
    | `corrections.csv` | the corrections of labels that it was started with, if there were any |
    | `observations.json` | how sure predictions from several images of one thing may be |
    | `examples/` | some test images, in folders named after their classes, to try `predict` on |
    | `checkpoint/` | states of the last two epochs and the best weights, until it is finished |

    Every file is written beside its place and moved there, which is atomic. While a process trains
    in the folder, it holds a lock on the file `.lock` there.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path: Path = Path(path)
        self.model: Path = self.path / "model.keras"
        self.metrics: Path = self.path / "metrics.json"
        self.settings: Path = self.path / "settings.json"
        self.history: Path = self.path / "history.csv"
        self.curves: Path = self.path / "curves.png"
        self.card: Path = self.path / "README.md"
        self.examples: Path = self.path / "examples"
        self.files: Path = self.path / "files.csv.gz"
        self.corrections: Path = self.path / "corrections.csv"
        self.observations: Path = self.path / "observations.json"
        self.checkpoints: Path = self.path / "checkpoint"
        self.state: Path = self.checkpoints / "state.json"
        self.former_state: Path = self.checkpoints / "former-state.json"
        self.best: Path = self.checkpoints / "best.json"
        self.best_weights: Path = self.checkpoints / "best.npz"
        self.lock: Path = self.path / ".lock"

    @classmethod
    def around(cls, path: Path) -> "RunFolder":
        """The folder itself, or that of a file."""
        return cls(path if path.is_dir() else path.parent)

    @property
    def is_finished(self) -> bool:
        """Whether the run has its metrics, the last file to be written."""
        return self.metrics.is_file()

    @property
    def is_vacant(self) -> bool:
        """Whether no run was begun in the folder, or was killed before its first file was there."""
        if not self.path.exists():
            return True
        begun = (one for one in self.path.iterdir() if not one.name.startswith(PREFIX))
        return all(
            one == self.lock or (one == self.checkpoints and not any(one.iterdir()))
            for one in begun
        )

    def locked(self) -> AbstractContextManager[None]:
        """Keeps other processes from training in the folder for as long as the context lasts.

        Raises:
            LockedError: If one does, with its number, its host and since when.
        """
        return locked(self.lock, f"The run {str(self.path)!r}")

    def write_settings(self, settings: TrainingSettings, class_names: list[str]) -> None:
        """Makes the folder and its first file."""
        self.write_json(self.settings, {"settings": settings.as_dict(), "class_names": class_names})
        self.checkpoints.mkdir(exist_ok=True)

    def read_settings(self) -> tuple[TrainingSettings, list[str]]:
        """Settings and class names of the run.

        Raises:
            ValueError: If the folder is none of a run, or if its settings are damaged or unfit.
        """
        if not self.settings.exists():
            what, how = "it has no settings.json", "Name another with --output."
            if self.is_vacant:
                what = "none was begun in it"
                how = f"Begin one there: keras-rbi train --output {shlex.quote(str(self.path))}"
            raise ValueError(
                f"{str(self.path)!r} is not the folder of a training run: {what}. {how}"
            )
        content = _read_object(self.settings)
        stored, names = content.get("settings"), _names_in(content)
        if not isinstance(stored, dict) or names is None:
            raise ValueError(
                f"{str(self.settings)!r} does not hold the settings and class names of a run. "
                "Bring back the file, or start another run with another --output."
            )
        try:
            check_values(TrainingSettings, stored, "It")
            if "split_rule" not in stored:
                stored = _of_0_1(stored)
            settings = _filled_in(TrainingSettings(**stored))
            if settings.corrections is not None:
                # As they were when the run was started, whatever has become of the file since.
                settings = dataclasses.replace(settings, corrections=str(self.corrections))
            return settings, names
        except ValueError as error:
            raise ValueError(
                f"{str(self.settings)!r} holds settings that are none of a run. {error} Mend the "
                "file, or start another run with another --output."
            ) from error

    def copy_corrections(self, settings: TrainingSettings) -> None:
        """Keeps the table of corrections that a run begins with, if it has one."""
        if settings.corrections is not None:
            content = Path(settings.corrections).read_bytes()
            write_atomically(self.corrections, lambda path: path.write_bytes(content))

    def corrections_digest(self) -> str | None:
        """SHA-256 of the corrections that the run began with, or `None` where it had none."""
        if not self.corrections.is_file():
            return None
        return hashlib.sha256(self.corrections.read_bytes()).hexdigest()

    def check_start(
        self, settings: TrainingSettings, resume: bool
    ) -> tuple[TrainingSettings, list[str] | None]:
        """The resolved settings to run with, and, of a resumed run, the names of its classes.

        Raises:
            ValueError: If a setting is wrong, the folder taken, or there is nothing to resume.
        """
        if resume:
            if self.is_finished:
                self.remove_leftovers()
                raise ValueError(
                    f"The run {str(self.path)!r} is finished: there is nothing to resume. Start "
                    "another with another --output."
                )
            return self.read_settings()
        settings = settings.resolved()
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(
                f"{str(self.path)!r} is a file, not a folder. Name another with --output."
            )
        if not self.is_vacant:
            go_on = ", or go on with its run with --resume" if self.settings.is_file() else ""
            raise ValueError(
                f"The folder {str(self.path)!r} is not empty. Name another with --output{go_on}."
            )
        return settings, None

    def read_metrics(self) -> dict[str, Any]:
        """The metrics of a finished run; of others nothing.

        Raises:
            ValueError: If the file is damaged.
        """
        if not self.is_finished:
            return {}
        metrics = _read_object(self.metrics)
        if not isinstance(metrics.get("settings"), dict) or not all(
            type(metrics.get(name)) in (int, float) for name in ("test_accuracy", "test_images")
        ):
            raise ValueError(
                f"{str(self.metrics)!r} does not hold the metrics of a run. Bring back the file, "
                "or take it away."
            )
        return metrics

    def remove_checkpoints(self) -> None:
        """Frees the room of the checkpoints once the run is finished."""
        remove_unfinished(self.path)
        remove_unfinished(self.checkpoints, all_of_it=True)
        epochs = self.checkpoints.glob("epoch-*.keras")
        for file in (*epochs, self.state, self.former_state, self.best, self.best_weights):
            file.unlink(missing_ok=True)
        with suppress(OSError):
            self.checkpoints.rmdir()

    def remove_leftovers(self) -> None:
        """Removes what a run has left that was killed after the last of its files was there."""
        left = self.lock.exists() or self.checkpoints.exists()
        if left and self.is_finished and self.settings.is_file():
            with suppress(LockedError, OSError), self.locked():
                self.remove_checkpoints()

    def write_json(self, path: Path, content: Any) -> None:
        """Writes JSON so that the file is there whole or not at all."""
        text = strict_json(content, indent=2) + "\n"
        write_atomically(path, lambda unfinished: unfinished.write_text(text, "utf-8"), True)


def _read_object(path: Path) -> dict[str, Any]:
    """The JSON object of a file.

    Raises:
        ValueError: If it cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{str(path)!r} is damaged: it is not JSON ({error}).") from error
    if not isinstance(content, dict):
        raise ValueError(f"{str(path)!r} is damaged: it holds no JSON object.")
    return content


def _names_in(content: dict[str, Any]) -> list[str] | None:
    """The class names of settings, or `None` where they have none or no proper ones."""
    names = content.get("class_names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return names if names and len(set(names)) == len(names) else None


def _filled_in(settings: TrainingSettings) -> TrainingSettings:
    """Stored settings, with those that did not exist when the run was started."""
    recipe = settings.recipe
    if recipe in RECIPES:
        return settings.resolved()
    # The file may have changed since or be gone; what it set is stored.
    filled = dataclasses.replace(settings, recipe=None).resolved()
    return dataclasses.replace(filled, recipe=recipe)


def next_run_folder(parent: Path, dataset: str) -> Path:
    """The first of `parent/DATASET-1`, `-2`, ... in which there is nothing yet."""
    return next(free_run_folders(parent, dataset))


def free_run_folders(parent: Path, dataset: str) -> Iterator[Path]:
    """Those of `parent/DATASET-1`, `-2`, ... in which there is nothing yet, without end."""
    for number in itertools.count(1):
        folder = parent / f"{dataset}-{number}"
        if not folder.exists() or (folder.is_dir() and RunFolder(folder).is_vacant):
            yield folder


def remove_leftovers(parent: Path) -> None:
    """Removes what finished runs in a folder have left: see `RunFolder.remove_leftovers`."""
    for metrics in parent.glob("*/metrics.json"):
        RunFolder(metrics.parent).remove_leftovers()


def latest_run_folder(parent: Path) -> Path:
    """The unfinished run in `parent` that was started last.

    Raises:
        ValueError: If there is none.
    """
    runs = [
        path.parent
        for path in parent.glob("*/settings.json")
        if not RunFolder(path.parent).is_finished
    ]
    if not runs:
        raise ValueError(
            f"There is no run to resume in {str(parent)!r}: none was started there, or all are "
            "finished. Name the folder of a run with --output."
        )
    return max(runs, key=lambda path: (path / "settings.json").stat().st_mtime)


def find_model(path: Path) -> Path:
    """The `.keras` file that a run folder or a path of such a file comes to.

    Raises:
        ValueError: If there is none, or if the file is of another kind.
    """
    file = RunFolder(path).model if path.is_dir() else path
    if file.is_file():
        if file.suffix not in MODEL_SUFFIXES:
            raise ValueError(
                f"{str(file)!r} is no model of Keras. Name a run folder or a .keras file."
            )
        return file
    if path.is_dir() and RunFolder(path).is_finished:
        raise ValueError(
            f"The run {str(path)!r} is finished, but its model {str(file)!r} is not there. Bring "
            "it back, or train again."
        )
    if path.is_dir() and RunFolder(path).settings.is_file():
        raise ValueError(
            f"The run {str(path)!r} is not finished. Go on with it: keras-rbi train --resume "
            f"--output {path}"
        )
    raise ValueError(f"There is no model {str(file)!r}. Name a run folder or a .keras file.")


def _of_0_1(stored: dict[str, Any]) -> dict[str, Any]:
    """The settings that version 0.1 stored, with what it did without a setting for it."""
    method = METHODS.get(stored.get("method", ""))
    variant = stored.get("variant") or (OF_0_1 if method and method.relates else None)
    return {
        **stored,
        "variant": variant,
        "split_rule": PERMUTATION,
        "feature_head": False,
        "keep_best": False,
    }
