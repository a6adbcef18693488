"""RPE and RRA in models of your own: a functional one, and a subclass of `keras.Model`.

python examples/layers_in_your_own_model.py
"""

import keras
import numpy as np
from keras import layers

from keras_rbi import RPE, RRA


def functional(classes: int) -> keras.Model:
    """In training every image attends to those of its batch; afterwards to itself alone."""
    images = keras.Input((32, 32, 3))
    features = layers.Conv2D(16, 3, strides=2, activation="relu")(layers.Rescaling(1 / 255)(images))
    features = layers.GlobalAveragePooling2D()(features)
    relations = RPE(inference_relations="self")(images)  # (batch, batch), from pixels of 0..255
    related = RRA(16, relation_dropout=0.5, inference_relations="self")(features, relations)
    return keras.Model(images, layers.Dense(classes, activation="softmax")(related))


class Subclassed(keras.Model):
    """The same beside the features, with an embedding of its own."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.backbone = keras.Sequential(
            [
                layers.Rescaling(1 / 255),
                layers.Conv2D(16, 3, strides=2, activation="relu"),
                layers.GlobalAveragePooling2D(),
            ]
        )
        self.rpe = RPE(inference_relations="self")
        self.rra = RRA(16, relation_dropout=0.5, inference_relations="self")
        self.classifier = layers.Dense(classes, activation="softmax")

    def call(self, images, training=None):
        """From images `(batch, height, width, 3)` to probabilities `(batch, classes)`."""
        features = self.backbone(images)
        related = self.rra(features, self.rpe(images, training=training), training=training)
        return self.classifier(features + related)


def main(images: int = 256, epochs: int = 3) -> None:
    """Trains both to tell dark images from light ones."""
    generator = np.random.default_rng(0)
    labels = np.arange(images) % 2
    pixels = generator.integers(0, 128, (images, 32, 32, 3)) + 127 * labels[:, None, None, None]
    for model in (functional(2), Subclassed(2)):
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(pixels.astype("uint8"), labels, batch_size=32, epochs=epochs)


if __name__ == "__main__":
    main()
