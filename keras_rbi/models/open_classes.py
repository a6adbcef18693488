"""Models whose number of classes is not known before `fit` has seen the data."""

from typing import Any

import keras

from keras_rbi.models.labels import Labels
from keras_rbi.types import Tensor

NO_CLASSES_YET = (
    "The number of classes is not known yet. Pass `num_classes=` to the model, or call `fit` "
    "first, which reads it off the data."
)


def classifier_layer(num_classes: int | None, activation: Any) -> keras.layers.Dense:
    """The last layer of a classifier, in float32.

    Args:
        num_classes: Integer; or `None`, which leaves the layer without weights until `set_classes`.
        activation: As in `keras.layers.Dense`.

    Returns:
        A `keras.layers.Dense` of the name `"classifier"`.
    """
    dense = keras.layers.Dense(
        num_classes or 1, activation=activation, dtype="float32", name="classifier"
    )
    if num_classes is None:
        # It stands in the model's graph, with an open width, and is built when that is known.
        dense.units, dense.built = None, True
    return dense


def set_classes(model: Any, labels: Labels) -> None:
    """Tells a model the classes that were read off its data, and builds its last layer."""
    model.num_classes, model.class_names = labels.num_classes, labels.class_names
    dense = model.classifier
    dense.units, dense.built = labels.num_classes, False
    dense.build(dense.input.shape)


def check_known(model: Any) -> None:
    """Raises a `ValueError` if a model does not know its classes yet."""
    if model.num_classes is None:
        raise ValueError(NO_CLASSES_YET)


def without_activation(dense: keras.layers.Dense, features: Tensor) -> Tensor:
    """What a Dense layer gives before its activation, whatever its kernel has become."""
    activation = dense.activation
    try:
        dense.activation = None
        return dense(features)
    finally:
        dense.activation = activation
