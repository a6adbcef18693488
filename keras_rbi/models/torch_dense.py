"""Dense layers with PyTorch's default initializer."""

from typing import Any

import keras

from keras_rbi.models.torch_initializer import torch_initializer


def torch_dense(
    name: str, width: int, units: int, dtype: Any, activation: str | None = None
) -> keras.layers.Dense:
    """A `Dense` layer whose kernel and bias are at most 1 / sqrt(width).

    Args:
        name: Name of the layer.
        width: Integer, how many features it takes.
        units: Integer, how many it gives.
        dtype: Its dtype policy.
        activation: As for `keras.layers.Dense`. Defaults to `None`.

    Returns:
        A layer that is not built yet.

    Example:

    >>> layer = keras_rbi.models.torch_dense.torch_dense("hidden", 16, 4, "float32")
    >>> layer.kernel_initializer.maxval
    0.25
    """
    return keras.layers.Dense(
        units,
        activation=activation,
        kernel_initializer=torch_initializer(width),
        bias_initializer=torch_initializer(width),
        dtype=dtype,
        name=name,
    )


def torch_mlp(
    name: str, width: int, hidden: int, units: int, activation: str, dtype: Any
) -> keras.Sequential:
    """Two such layers, the first with an activation, along the last axis.

    Args:
        name: Name of the two together.
        width: Integer, how many features they take.
        hidden: Integer, how many there are between them.
        units: Integer, how many they give.
        activation: As for `keras.layers.Dense`.
        dtype: Their dtype policy.

    Returns:
        A model that is not built yet.

    Example:

    >>> mlp = keras_rbi.models.torch_dense.torch_mlp("mlp", 8, 4, 2, "relu", "float32")
    >>> tuple(mlp(np.ones((3, 5, 8), "float32")).shape)
    (3, 5, 2)
    """
    return keras.Sequential(
        [
            torch_dense("hidden", width, hidden, dtype, activation),
            torch_dense("output", hidden, units, dtype),
        ],
        name=name,
    )
