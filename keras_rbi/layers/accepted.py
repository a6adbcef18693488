"""Calling layers that may or may not take a mask or a training flag."""

import inspect
from typing import Any

import keras


def accepted(layer: keras.layers.Layer, **arguments: Any) -> dict[str, Any]:
    """Those of the arguments that are given and that the layer's `call` takes.

    Layers of one's own need neither `mask` nor `training`, and one that has no `training` must not
    be called with it.

    Args:
        layer: A layer or a model.
        **arguments: Arguments of its call; `None` where they are not given.

    Returns:
        Arguments to call it with.

    Example:

    >>> from keras_rbi.layers.accepted import accepted
    >>> accepted(keras.layers.Dropout(0.5), training=True, mask=None)
    {'training': True}
    >>> accepted(keras.layers.Flatten(), training=True)
    {}
    """
    taken = inspect.signature(layer.call).parameters
    return {name: value for name, value in arguments.items() if value is not None and name in taken}
