"""One batch over all devices, whose images relate across them.

    KERAS_BACKEND=jax python examples/several_devices.py
    KERAS_BACKEND=torch torchrun --nproc-per-node 2 examples/several_devices.py

Without accelerators, XLA_FLAGS=--xla_force_host_platform_device_count=2 makes two for JAX of a
processor, and torchrun starts processes of it.
"""

import keras

import keras_rbi
from keras_rbi.datasets import ImageSequence, Typefaces
from keras_rbi.distribution.devices import start_devices


def main(per_class: int = 4, epochs: int = 1, size: int = 32) -> keras.Model:
    """A model that was trained on them."""
    devices = start_devices("auto")
    print(f"{devices.count} devices in {devices.process.processes} processes")
    batches = ImageSequence(
        Typefaces("train", per_class, size),
        batch_size=32,
        # JAX divides a batch among its devices evenly.
        last_batch="drop" if devices.whole_batches else "keep",
    )
    # Each process reads its own rows of a batch.
    own = batches.shared(devices.process.number, devices.process.processes)
    with devices.scope():
        model = keras_rbi.RBIModel(
            keras_rbi.backbones.SmallCNN((size, size, 3)), class_names=batches.class_names
        )
        model.compile(keras_rbi.RectifiedAdam(1e-3), "sparse_categorical_crossentropy")
        devices.before_fit(model)
        # Relations are those of the whole batch of 32, however many devices hold it.
        model.fit(own, epochs=epochs, shuffle=False)
    return model


if __name__ == "__main__":
    main()
