"""The preprocessing layer in front of a backbone."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_rbi.types import Tensor

CHANNELS = 3
# (x · scale + offset) of red, green and blue, and whether the channels are reversed first: the
# three ways in which keras.applications prepares images, and that of EfficientNet-Lite.
MODES: dict[str, tuple[tuple[float, ...], tuple[float, ...], bool]] = {
    "tf": ((1 / 127.5,) * CHANNELS, (-1.0,) * CHANNELS, False),
    "torch": (
        tuple(1 / (255.0 * deviation) for deviation in (0.229, 0.224, 0.225)),
        tuple(
            -mean / deviation
            for mean, deviation in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))
        ),
        False,
    ),
    "caffe": ((1.0,) * CHANNELS, (-103.939, -116.779, -123.68), True),
    "lite": ((1 / 128,) * CHANNELS, (-127 / 128,) * CHANNELS, False),
}


@keras.saving.register_keras_serializable(package="keras_rbi")
class BackbonePreprocessing(keras.layers.Layer):
    """Maps RGB images of 0..255 to the values a backbone was trained on.

    Args:
        mode: `"tf"`, to -1..1; `"torch"`, to zero mean and unit variance over ImageNet;
            `"caffe"`, to BGR with the ImageNet mean taken off: these are the modes, and the
            numbers, of the `preprocess_input` functions of `keras.applications`. `"lite"`, to
            (x - 127) / 128, as EfficientNet-Lite was trained. Or `None`, with `scale` and
            `offset`. Defaults to `None`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to `None`,
            `keras.config.image_data_format()`.
        scale: Number, or one for each of red, green and blue, that pixels are multiplied by.
            Defaults to `None`.
        offset: Number, or one for each of red, green and blue, that is added to the product.
            Defaults to `None`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        images: RGB images of 0..255, of any integer or floating dtype.

    Input shape:
        `(batch, height, width, 3)`, or `(batch, 3, height, width)` with `channels_first`.

    Output shape:
        That of the input.

    Raises:
        ValueError: If an argument is unknown, or if the images do not have three channels.

    Example:

    >>> layer = keras_rbi.backbones.BackbonePreprocessing("tf")
    >>> float(keras.ops.max(layer(np.full((1, 2, 2, 3), 255, dtype="uint8"))))
    1.0
    """

    def __init__(
        self,
        mode: str | None = None,
        data_format: str | None = None,
        scale: float | Sequence[float] | None = None,
        offset: float | Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        # Pixels of 0..255 lose their fractions in half precision, so nothing is cast on entry.
        super().__init__(autocast=False, **kwargs)
        if (mode is None) == (scale is None) or (scale is None) != (offset is None):
            raise ValueError(
                "Pass either `mode`, or `scale` and `offset`. "
                f"Received: mode={mode!r}, scale={scale}, offset={offset}."
            )
        if mode is not None and mode not in MODES:
            raise ValueError(
                f"`mode` must be one of {', '.join(map(repr, MODES))}. Received: mode={mode!r}."
            )
        if data_format not in (None, "channels_last", "channels_first"):
            raise ValueError(
                "`data_format` must be 'channels_last', 'channels_first' or None. "
                f"Received: data_format={data_format!r}."
            )
        self.mode = mode
        self.scale = scale
        self.offset = offset
        self._mapping = (
            MODES[mode]
            if mode is not None
            else (_of_channels("scale", scale), _of_channels("offset", offset), False)
        )
        self.data_format = data_format or keras.config.image_data_format()

    def build(self, images_shape: Any) -> None:
        channels = images_shape[self._channel_axis]
        if channels not in (None, CHANNELS):
            raise ValueError(
                f"The layer {self.name!r} is for RGB images. Received: images of shape "
                f"{tuple(images_shape)} with data_format={self.data_format!r}. For other images "
                "pass `preprocessing=` a layer of your own, or None."
            )
        self.built = True

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else -3

    def call(self, images: Tensor) -> Tensor:
        scale, offset, reverse = self._mapping
        images = ops.cast(images, "float32")
        if reverse:
            images = ops.flip(images, axis=self._channel_axis)
        shape = [CHANNELS, 1, 1] if self._channel_axis == -3 else [CHANNELS]
        scale = ops.reshape(ops.convert_to_tensor(scale, "float32"), shape)
        offset = ops.reshape(ops.convert_to_tensor(offset, "float32"), shape)
        return ops.cast(images * scale + offset, self.compute_dtype)

    def compute_output_shape(self, images_shape: Any) -> Any:
        return images_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "mode": self.mode,
            "data_format": self.data_format,
            "scale": self.scale,
            "offset": self.offset,
        }


def _of_channels(name: str, values: Any) -> tuple[float, ...]:
    values = np.asarray(values, "float64")
    if values.shape not in ((), (1,), (CHANNELS,)):
        raise ValueError(
            f"`{name}` must be one number, or one for each of red, green and blue. "
            f"Received: {name}={values.tolist()}."
        )
    return tuple(np.broadcast_to(values, CHANNELS).tolist())
