"""The embedding of an image from one stage of a backbone."""

from typing import Any

import keras
from keras import ops

from keras_rbi.models.torch_initializer import torch_initializer
from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class StageEmbedding(keras.layers.Layer):
    """Two convolutions on a stage's maps, and the largest value of each feature over all places.

    A 1x1 convolution to `bottleneck` channels and a 3x3 one to `units`, each with batch
    normalisation and ReLU and without a bias.

    Args:
        units: Integer, the width of the row.
        bottleneck: Integer.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        maps: Tensor of shape `(batch, height, width, channels)`.
        training: Boolean, whether to normalise by the moments of the batch.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, units)`, values of 0 and more.

    Example:

    >>> keras_rbi.models.p2p_net.StageEmbedding(16, 8)(np.ones((2, 5, 5, 12), "float32")).shape
    (2, 16)

    Reference:
        [Du et al., 2020](https://arxiv.org/abs/2003.03836), the blocks of each stage.
    """

    def __init__(self, units: int, bottleneck: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.bottleneck = bottleneck

    def build(self, maps_shape: Any) -> None:
        channels = maps_shape[-1]
        self.blocks = []
        for number, (side, filters) in enumerate(((1, self.bottleneck), (3, self.units)), start=1):
            convolution = keras.layers.Conv2D(
                filters,
                side,
                padding="same",
                use_bias=False,
                data_format="channels_last",
                kernel_initializer=torch_initializer(side * side * channels),
                dtype=self.dtype_policy,
                name=f"convolution_{number}",
            )
            normalization = keras.layers.BatchNormalization(
                momentum=0.99, epsilon=1e-5, dtype=self.dtype_policy, name=f"normalization_{number}"
            )
            convolution.build((None, None, None, channels))
            normalization.build((None, None, None, filters))
            self.blocks.append((convolution, normalization))
            channels = filters
        self.built = True

    def call(self, maps: Tensor, training: bool | None = None) -> Tensor:
        for convolution, normalization in self.blocks:
            maps = ops.relu(normalization(convolution(maps), training=training))
        if not training:
            return ops.max(maps, axis=(1, 2))
        rows = ops.reshape(maps, (-1, maps.shape[1] * maps.shape[2], self.units))
        # Not `max`: JAX finds its gradient by comparing with the result, which a compiled function
        # may compute anew and round in another way.
        largest = ops.argmax(rows, axis=1, keepdims=True)
        return ops.take_along_axis(rows, largest, axis=1)[:, 0]

    def compute_output_shape(self, maps_shape: Any) -> Any:
        return maps_shape[0], self.units

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "bottleneck": self.bottleneck}
