"""A small convolutional network, to be trained from scratch on small images."""

from pathlib import Path

import keras
from keras import layers

from keras_rbi.backbones.weights_file import load_weights_file


def SmallCNN(  # noqa: N802, named as models are in keras.applications
    input_shape: tuple[int, int, int] = (64, 64, 3),
    widths: tuple[int, ...] = (16, 32, 64, 128),
    name: str = "small_cnn",
) -> keras.Model:
    """Builds blocks of convolution, halving, batch normalisation and ReLU.

    The first block halves the image by the stride of its 5×5 convolution, the others by 2×2 max
    pooling after their 3×3 convolutions: cheap enough for a processor.

    Args:
        input_shape: Shape of the images, which are RGB or grey of 0..255. Defaults to
            `(64, 64, 3)`.
        widths: Number of filters of each block. Defaults to `(16, 32, 64, 128)`.
        name: Name of the model. Defaults to `"small_cnn"`.

    Returns:
        A `keras.Model` from images to maps of shape
        `(batch, height / 2**blocks, width / 2**blocks, widths[-1])`.

    Raises:
        ValueError: If the images are too small for that many blocks.

    Example:

    >>> keras_rbi.backbones.SmallCNN((64, 64, 3)).output_shape
    (None, 4, 4, 128)
    """
    smallest = 2 ** len(widths)
    if any(side is not None and side < smallest for side in input_shape[:2]):
        raise ValueError(
            f"A SmallCNN of {len(widths)} blocks takes images of at least {smallest}x{smallest} "
            f"pixels. Received: input_shape={input_shape}."
        )
    inputs = keras.Input(input_shape, name="images")
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    for number, width in enumerate(widths, start=1):
        first = number == 1
        x = layers.Conv2D(
            width,
            5 if first else 3,
            strides=2 if first else 1,
            padding="same",
            use_bias=False,
            data_format="channels_last",
            name=f"block{number}_conv",
        )(x)
        if not first:
            x = layers.MaxPooling2D(2, data_format="channels_last", name=f"block{number}_pool")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"block{number}_bn")(x)
        x = layers.ReLU(name=f"block{number}_relu")(x)
    return keras.Model(inputs, x, name=name)


def build(name: str, weights: str | Path | None, image_size: int) -> keras.Model:
    """A `SmallCNN` for square images, with the weights of a file or from scratch."""
    if weights == "imagenet":
        raise ValueError(f"{name} has no ImageNet weights. Train it from scratch.")
    backbone = SmallCNN((image_size, image_size, 3))
    if weights is not None:
        load_weights_file(backbone, Path(weights))
    return backbone
