"""PyTorch's default initializer: uniform, its width from the number of inputs."""

import keras


def torch_initializer(fan_in: int) -> keras.initializers.Initializer:
    """Uniform values of at most 1 / sqrt(fan_in), as PyTorch starts its kernels and biases.

    Args:
        fan_in: Integer, how many values each output is made of.

    Returns:
        An initializer with random values of its own.

    Example:

    >>> keras_rbi.models.torch_initializer.torch_initializer(16).get_config()["maxval"]
    0.25
    """
    limit = fan_in**-0.5
    return keras.initializers.RandomUniform(-limit, limit)
