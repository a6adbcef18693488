"""One batch over all devices of a machine, whose images relate across them (JAX).

    KERAS_BACKEND=jax python examples/several_devices.py

Without accelerators: XLA_FLAGS=--xla_force_host_platform_device_count=2 makes two of a processor.
"""

import keras
import numpy as np

import keras_rbi


def main(images: int = 64, epochs: int = 1) -> keras.Model:
    """A model that was trained on them."""
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    pixels = np.random.default_rng(0).integers(0, 256, (images, 32, 32, 3)).astype("uint8")
    model = keras_rbi.RBIModel(keras_rbi.backbones.SmallCNN((32, 32, 3)))
    model.compile(keras_rbi.RectifiedAdam(1e-3), "sparse_categorical_crossentropy")
    # Relations are those of the whole batch of 32, however many devices hold it.
    model.fit(pixels, np.arange(images) % 2, batch_size=32, epochs=epochs)
    return model


if __name__ == "__main__":
    main()
