"""Checkpoints of a training run: model, optimizer, random states and history of each epoch."""

import json
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_rbi.atomic_write import remove_unfinished, write_atomically
from keras_rbi.models.loading import load_model
from keras_rbi.training.run_folder import RunFolder

History = dict[str, list[float]]


def save_checkpoint(folder: RunFolder, model: keras.Model, epochs: int, history: History) -> None:
    """Keeps the state after a finished epoch in place of the last one."""
    checkpoint = folder.checkpoints / f"epoch-{epochs:04d}.keras"
    write_atomically(checkpoint, model.save)
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
    remove_unfinished(folder.checkpoints)
    for file in folder.checkpoints.glob("*.keras"):
        if file != checkpoint:
            file.unlink()


def load_checkpoint(
    folder: RunFolder, compile_model: Callable[[keras.Model, int], None]
) -> tuple[keras.Model, int, History] | None:
    """Model, number of finished epochs and history, or `None` where no epoch was finished.

    Args:
        folder: The run.
        compile_model: Function of a model and its number of finished epochs that freezes and
            compiles it, and builds its optimizer, as it was in the last epoch.
    """
    if not folder.state.is_file():
        return None
    state = json.loads(folder.state.read_text("utf-8"))
    checkpoint = folder.checkpoints / state["model"]
    model = load_model(checkpoint, compile=False)
    compile_model(model, state["epochs"])
    # Once more, for the state of the optimizer that is there now.
    model.load_weights(checkpoint)
    for variable, value in zip(_random_states(model), state["random_state"], strict=True):
        variable.assign(value)
    return model, state["epochs"], state["history"]


def _random_states(model: keras.Model) -> list[Any]:
    """The states of the seed generators of a model's layers, which Keras does not save."""
    weights = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]
