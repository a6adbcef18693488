"""Weights of a model whose evaluation or prediction fails."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import keras

INDIVISIBLE = "IndivisibleError"


def keep_weights(model: keras.Model) -> Any:
    """A context in which what fails leaves the model as it was.

    On JAX, Keras takes the weights off a model while `evaluate` and `predict` run, and puts them
    back at their end alone.

    Args:
        model: The model.

    Returns:
        A context manager. It raises a `ValueError` where devices cannot share a batch, with what to
        do about it.
    """
    return _keep_weights(model) if keras.config.backend() == "jax" else nullcontext()


@contextmanager
def _keep_weights(model: Any) -> Iterator[None]:
    before = [(variable, variable.value) for variable in model.variables]
    try:
        yield
    except BaseException as error:
        model.jax_state_sync()
        for variable, value in before:
            # What a step was given to overwrite has come back with what it gave.
            if not value.is_deleted():
                variable.assign(value)
        if type(error).__name__ == INDIVISIBLE:
            devices = keras.distribution.distribution().device_mesh.devices.size
            raise ValueError(
                "On JAX, each device must have as many images of every batch, of the last too. "
                f"Received: a batch that {devices} devices cannot share. Take a batch size that "
                "does, and an ImageSequence with last_batch='mask', of which `weighted_metrics` "
                "count the images alone."
            ) from error
        raise
