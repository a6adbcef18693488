"""Checkpoints of a training run: model, optimizer, random states and history of each epoch."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
from keras import ops

from keras_rbi.atomic_write import remove_unfinished, write_atomically
from keras_rbi.models.loading import ModelFileError, load_model, reason_of
from keras_rbi.training.run_folder import RunFolder

History = dict[str, list[float]]


class CheckpointError(ValueError):
    """A checkpoint that is damaged or missing."""


def save_checkpoint(folder: RunFolder, model: keras.Model, epochs: int, history: History) -> None:
    """Keeps the state after a finished epoch, beside that after the epoch before."""
    checkpoint = folder.checkpoints / f"epoch-{epochs:04d}.keras"
    write_atomically(checkpoint, model.save, durable=True)
    former = _name_of_model(folder.state)
    if former is not None and former != checkpoint.name:
        state = folder.state.read_bytes()
        write_atomically(folder.former_state, lambda path: path.write_bytes(state), durable=True)
    # The state is the last to be moved: until then the former checkpoint is in force.
    folder.write_json(
        folder.state,
        {
            "epochs": epochs,
            "history": history,
            "model": checkpoint.name,
            "random_state": [
                ops.convert_to_numpy(state).tolist() for state in _random_states(model)
            ],
        },
    )
    remove_unfinished(folder.checkpoints, all_of_it=True)
    kept = {checkpoint.name, _name_of_model(folder.former_state)}
    for file in folder.checkpoints.glob("*.keras"):
        if file.name not in kept:
            file.unlink()


def load_checkpoint(
    folder: RunFolder, compile_model: Callable[[keras.Model, int], None]
) -> tuple[keras.Model, int, History] | None:
    """Model, number of finished epochs and history, or `None` where no epoch was finished.

    That of the epoch before the last is taken where the last one is not there.

    Args:
        folder: The run.
        compile_model: Function of a model and its number of finished epochs that freezes and
            compiles it, and builds its optimizer, as it was in the last epoch.

    Raises:
        ValueError: If the checkpoint is damaged, with what to do.
    """
    states = [path for path in (folder.state, folder.former_state) if path.exists()]
    if not states:
        return None
    file = states[0]
    try:
        state = _read_state(file)
        if not (folder.checkpoints / state["model"]).exists() and len(states) > 1:
            file = states[1]
            state = _read_state(file)
        file = folder.checkpoints / state["model"]
        model = load_model(file, compile=False)
        compile_model(model, state["epochs"])
        _restore(model, file, state["random_state"])
    except (CheckpointError, ModelFileError) as error:
        raise CheckpointError(f"{error} {_way_out(folder, file)}") from error
    return model, state["epochs"], state["history"]


def made_anew(model: keras.Model, compile_model: Callable[[keras.Model], None]) -> keras.Model:
    """A model of the same weights and state, made where it is called: on other devices, say.

    Args:
        model: A compiled model.
        compile_model: Function that freezes and compiles a model as that one is.

    Returns:
        The other model.
    """
    states = [ops.convert_to_numpy(state) for state in _random_states(model)]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        model.save(file)
        made = load_model(file, compile=False)
        compile_model(made)
        _restore(made, file, states)
    return made


def _restore(model: keras.Model, file: Path, random_state: list[Any]) -> None:
    try:
        # Once more, for the state of the optimizer that is there now.
        model.load_weights(file)
        for variable, value in zip(_random_states(model), random_state, strict=True):
            variable.assign(value)
    except Exception as error:
        # Whatever the libraries raise on values that do not fit.
        raise CheckpointError(f"{str(file)!r} does not fit its run: {reason_of(error)}") from error


def _read_state(path: Path) -> dict[str, Any]:
    """What a file with the state of training says, once it is what it should be."""
    try:
        state = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{str(path)!r} cannot be read: {reason_of(error)}") from error
    if wrong := _what_is_wrong(state):
        raise CheckpointError(f"{str(path)!r} is damaged: {wrong}.")
    return state


def _what_is_wrong(state: Any) -> str:
    if not isinstance(state, dict):
        return "it holds no JSON object"
    missing = [key for key in ("epochs", "history", "model", "random_state") if key not in state]
    if missing:
        return f"it lacks {', '.join(missing)}"
    epochs, history, name = state["epochs"], state["history"], state["model"]
    if type(epochs) is not int or epochs < 1:
        return f"`epochs` is {epochs!r}"
    if not isinstance(name, str) or Path(name).name != name or not name.endswith(".keras"):
        return f"`model` is {name!r}"
    if not isinstance(state["random_state"], list):
        return "`random_state` is no list"
    if not isinstance(history, dict) or not all(map(_numbers, history.values())):
        return "`history` is no table of numbers"
    if any(len(values) != epochs for values in history.values()):
        return f"`history` is not of {epochs} epochs"
    return ""


def _numbers(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) in (int, float) for value in values)


def _way_out(folder: RunFolder, damaged: Path) -> str:
    """What to do about a damaged file of a checkpoint."""
    try:
        former = _read_state(folder.former_state)
        whole = (folder.checkpoints / former["model"]).is_file()
    except CheckpointError:
        whole = False
    if whole and damaged not in (folder.former_state, folder.checkpoints / former["model"]):
        return f"Take it away, and --resume goes on after epoch {former['epochs']}."
    return "Start another run with another --output."


def _name_of_model(path: Path) -> str | None:
    """The name of the model of a state, or `None` where that cannot be told."""
    try:
        return _read_state(path)["model"] if path.is_file() else None
    except CheckpointError:
        return None


def _random_states(model: keras.Model) -> list[Any]:
    """The states of the seed generators of a model's layers, which Keras does not save."""
    weights = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]
