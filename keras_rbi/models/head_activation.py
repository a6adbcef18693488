"""The activation of a classifier's last layer."""

from typing import Any

import keras

KNOWN = ("linear", "log_softmax", "sigmoid", "softmax")


def head_activation(model: keras.Model) -> str | None:
    """The name of the activation that a classifier's predictions come from.

    Args:
        model: An `RBIModel`, or any other model.

    Returns:
        `"linear"`, `"log_softmax"`, `"sigmoid"` or `"softmax"`, or what another activation is
        called. `None` where it cannot be told: of a model whose graph is not known, and of one
        whose last layer has no activation.

    Example:

    >>> from keras_rbi.models.head_activation import head_activation
    >>> backbone = keras_rbi.backbones.SmallCNN((16, 16, 3))
    >>> head_activation(keras_rbi.RBIModel(backbone, num_classes=3, classifier_activation=None))
    'linear'
    """
    # Layers of other models come in no order that says which is the last.
    if not isinstance(model, keras.Sequential) and not getattr(model, "outputs", None):
        return None
    last = model.layers[-1]
    if isinstance(last, keras.Model):
        return head_activation(last)
    if isinstance(last, keras.layers.Softmax):
        return "softmax"
    activation = getattr(last, "activation", None)
    return None if activation is None else _name_of(activation)


def _name_of(activation: Any) -> str:
    if isinstance(activation, keras.layers.Softmax):
        return "softmax"
    for name in KNOWN:
        if activation is getattr(keras.activations, name):
            return name
    return str(getattr(activation, "__name__", type(activation).__name__))
