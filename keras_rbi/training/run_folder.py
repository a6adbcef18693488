"""The folder that a training run leaves, written so that nothing in it is ever half there."""

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from keras_rbi.atomic_write import remove_unfinished, write_atomically
from keras_rbi.datasets.files.records import PERMUTATION
from keras_rbi.models.methods import METHODS
from keras_rbi.models.variants import OF_0_1
from keras_rbi.training.recipes import RECIPES
from keras_rbi.training.settings import TrainingSettings


class RunFolder:
    """Files of a training run.

    | file | what |
    |---|---|
    | `settings.json` | the settings and the class names |
    | `model.keras` | the trained model |
    | `metrics.json` | accuracies, the settings, the machine's software |
    | `history.csv` | loss and accuracy of each epoch |
    | `curves.png` | the same as a picture |
    | `files.csv.gz` | the image files of each split, with label and size, to tell later changes |
    | `corrections.csv` | the corrections of labels that it was started with, if there were any |
    | `examples/` | some test images, to try `predict` on |
    | `checkpoint/` | the state after the last finished epoch, until the run is finished |

    Every file is written beside its place and moved there, which is atomic.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.model = self.path / "model.keras"
        self.metrics = self.path / "metrics.json"
        self.settings = self.path / "settings.json"
        self.history = self.path / "history.csv"
        self.curves = self.path / "curves.png"
        self.examples = self.path / "examples"
        self.files = self.path / "files.csv.gz"
        self.corrections = self.path / "corrections.csv"
        self.checkpoints = self.path / "checkpoint"
        self.state = self.checkpoints / "state.json"

    @classmethod
    def around(cls, path: Path) -> "RunFolder":
        """The folder itself, or that of a file."""
        return cls(path if path.is_dir() else path.parent)

    @property
    def is_finished(self) -> bool:
        """Whether the run has its metrics, the last file to be written."""
        return self.metrics.is_file()

    def write_settings(self, settings: TrainingSettings, class_names: list[str]) -> None:
        """Makes the folder and its first file."""
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        self.write_json(self.settings, {"settings": settings.as_dict(), "class_names": class_names})

    def read_settings(self) -> tuple[TrainingSettings, list[str]]:
        """Settings and class names of the run.

        Raises:
            ValueError: If the folder is none of a run.
        """
        try:
            content = json.loads(self.settings.read_text("utf-8"))
            stored = content["settings"]
            if "split_rule" not in stored:
                stored = _of_0_1(stored)
            settings = _filled_in(TrainingSettings(**stored))
            if settings.corrections is not None:
                # As they were when the run was started, whatever has become of the file since.
                settings = dataclasses.replace(settings, corrections=str(self.corrections))
            return settings, content["class_names"]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"{str(self.path)!r} is not the folder of a training run: its settings.json "
                "cannot be read."
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
                raise ValueError(
                    f"The run {str(self.path)!r} is finished: there is nothing to resume. Start "
                    "another with another --output."
                )
            return self.read_settings()
        settings = settings.resolved()
        if self.path.exists() and any(self.path.iterdir()):
            raise ValueError(
                f"The folder {str(self.path)!r} is not empty. Name another with --output, or go "
                "on with its run with --resume."
            )
        return settings, None

    def read_metrics(self) -> dict[str, Any]:
        """The metrics of a finished run; of others nothing."""
        return json.loads(self.metrics.read_text("utf-8")) if self.is_finished else {}

    def remove_checkpoints(self) -> None:
        """Frees the room of the checkpoints once the run is finished."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        remove_unfinished(self.path)

    def write_json(self, path: Path, content: Any) -> None:
        """Writes JSON so that the file is there whole or not at all."""
        text = json.dumps(content, indent=2) + "\n"
        write_atomically(path, lambda unfinished: unfinished.write_text(text, "utf-8"))


def _filled_in(settings: TrainingSettings) -> TrainingSettings:
    """Stored settings, with those that did not exist when the run was started."""
    recipe = settings.recipe
    if recipe in RECIPES:
        return settings.resolved()
    # The file may have changed since or be gone; what it set is stored.
    filled = dataclasses.replace(settings, recipe=None).resolved()
    return dataclasses.replace(filled, recipe=recipe)


def next_run_folder(parent: Path, dataset: str) -> Path:
    """The first of `parent/DATASET-1`, `-2`, ... that does not exist yet."""
    number = 1
    while (parent / f"{dataset}-{number}").exists():
        number += 1
    return parent / f"{dataset}-{number}"


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
        ValueError: If there is none.
    """
    file = RunFolder(path).model if path.is_dir() else path
    if file.is_file():
        return file
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
    return {**stored, "variant": variant, "split_rule": PERMUTATION, "feature_head": False}
