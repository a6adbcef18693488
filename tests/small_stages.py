"""What tests of the fine-grained systems share: a backbone with stages, images, and predictions."""

import keras
import numpy as np
from backend_functions import once, stateless

SIDE, CLASSES = 32, 4


def images(count=6, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3)).astype("uint8")


def convolutions(widths=(4, 6, 10), data_format="channels_last", normalized=False):
    """A backbone with stages of 8x8, 4x4 and 2x2 places, or fewer."""
    inputs = keras.Input((SIDE, SIDE, 3) if data_format == "channels_last" else (3, SIDE, SIDE))
    maps = inputs
    for number, filters in enumerate(widths):
        maps = keras.layers.Conv2D(
            filters,
            4,
            2 if number else 4,
            padding="same",
            data_format=data_format,
            activation="relu",
            name=f"convolution_{filters}",
        )(maps)
        if normalized:
            maps = keras.layers.BatchNormalization(momentum=0.5)(maps)
    return keras.Model(inputs, maps)


def scaled(model, scale=3.0):
    """The model with a branch of relations that counts."""
    variable = model.get_layer("integration").scale
    variable.assign(np.full(variable.shape, scale * variable.shape[0]))
    return model


def outputs_of(model, batch, training=False):
    """Everything that the model predictions, and its variables after it."""
    call = once(stateless(model, lambda images: model.outputs_of(images, training=training)))
    values = [variable.value for variable in model.variables]
    return call(values, keras.ops.convert_to_tensor(batch))


def predicted(model, batch):
    return np.asarray(model.predict(batch, verbose=0))
