"""The image size of a model."""

import keras


def image_size_of(model: keras.Model) -> int:
    """The side of the images that a model takes.

    Raises:
        ValueError: If it does not take square RGB images of one size.
    """
    _, height, width, channels = model.input_shape
    if height is None or height != width or channels != 3:
        raise ValueError(
            f"The model takes images of shape {model.input_shape[1:]}; only square RGB images of "
            "one size are read here. Call the model itself."
        )
    return int(height)
