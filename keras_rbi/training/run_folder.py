"""The folder that a training run leaves, written so that nothing in it is ever half there."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from keras import ops

from keras_rbi.atomic_write import remove_unfinished, write_atomically
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
        self._checkpoints = self.path / "checkpoint"
        self._state = self._checkpoints / "state.json"

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
        self._checkpoints.mkdir(parents=True, exist_ok=True)
        self.write_json(self.settings, {"settings": settings.as_dict(), "class_names": class_names})

    def read_settings(self) -> tuple[TrainingSettings, list[str]]:
        """Settings and class names of the run.

        Raises:
            ValueError: If the folder is none of a run.
        """
        try:
            content = json.loads(self.settings.read_text("utf-8"))
            return _filled_in(TrainingSettings(**content["settings"])), content["class_names"]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"{str(self.path)!r} is not the folder of a training run: its settings.json "
                "cannot be read."
            ) from error

    def read_metrics(self) -> dict[str, Any]:
        """The metrics of a finished run; of others nothing."""
        return json.loads(self.metrics.read_text("utf-8")) if self.is_finished else {}

    def save_checkpoint(
        self, model: keras.Model, epochs: int, history: dict[str, list[float]]
    ) -> None:
        """Keeps the state after a finished epoch in place of the last one."""
        checkpoint = self._checkpoints / f"epoch-{epochs:04d}.keras"
        write_atomically(checkpoint, model.save)
        # The state is the last to be moved: until then the former checkpoint is in force.
        self.write_json(
            self._state,
            {
                "epochs": epochs,
                "history": history,
                "model": checkpoint.name,
                "random_state": [
                    ops.convert_to_numpy(state).tolist() for state in _random_states(model)
                ],
            },
        )
        remove_unfinished(self._checkpoints)
        for file in self._checkpoints.glob("*.keras"):
            if file != checkpoint:
                file.unlink()

    def load_checkpoint(
        self, compile_model: Callable[[keras.Model, int], None]
    ) -> tuple[keras.Model, int, dict[str, list[float]]] | None:
        """Model, number of finished epochs and history, or None where no epoch was finished.

        Args:
            compile_model: Function of a model and its number of finished epochs that freezes and
                compiles it, and builds its optimizer, as it was in the last epoch.
        """
        if not self._state.is_file():
            return None
        state = json.loads(self._state.read_text("utf-8"))
        checkpoint = self._checkpoints / state["model"]
        model = keras.models.load_model(checkpoint, compile=False)
        compile_model(model, state["epochs"])
        # Once more, for the state of the optimizer that is there now.
        model.load_weights(checkpoint)
        for variable, value in zip(_random_states(model), state["random_state"], strict=True):
            variable.assign(value)
        return model, state["epochs"], state["history"]

    def remove_checkpoints(self) -> None:
        """Frees the room of the checkpoints once the run is finished."""
        shutil.rmtree(self._checkpoints, ignore_errors=True)
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


def _random_states(model: keras.Model) -> list[Any]:
    """The states of the seed generators of a model's layers, which Keras does not save."""
    weights = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


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
