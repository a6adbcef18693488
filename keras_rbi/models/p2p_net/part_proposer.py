"""Anchor-based part proposals."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_rbi.models.torch_initializer import torch_initializer
from keras_rbi.types import Tensor

CHANNELS = 128
# Sides of the boxes of each level in units of 1.5 strides, and their ratios of width to height.
SCALES = (
    (2 ** (1 / 3), 2 ** (2 / 3)),
    (2 ** (1 / 3), 2 ** (2 / 3)),
    (1, 2 ** (1 / 3), 2 ** (2 / 3)),
)
ASPECTS = (0.667, 1.0, 1.5)
BOX_SIDE = 1.5


@keras.saving.register_keras_serializable(package="keras_rbi")
class PartProposer(keras.layers.Layer):
    """Scores of boxes of several sizes all over an image: how much of its class each may show.

    Three convolutions on a backbone's last map, the second and the third at half the size of what
    they are given, and a score of each box around each of their places. `boxes` are those of
    `anchor_boxes`, in the same order.

    Args:
        image_sides: Height and width of the image in pixels.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        maps: Tensor of shape `(batch, height, width, channels)`.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, boxes)`, float32.

    Attributes:
        boxes: int32 array `(boxes, 4)` of top, left, bottom, right in pixels.

    Example:

    >>> proposer = keras_rbi.models.p2p_net.PartProposer((448, 448))
    >>> tuple(proposer(np.ones((2, 14, 14, 8), "float32")).shape)
    (2, 1614)

    Reference:
        [Yang et al., 2018](https://arxiv.org/abs/1809.00287), the navigator.
    """

    def __init__(self, image_sides: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.image_sides = tuple(image_sides)

    def build(self, maps_shape: Any) -> None:
        self.boxes = anchor_boxes(self.image_sides, maps_shape[1:3])
        channels = maps_shape[-1]
        self.levels, self.scores = [], []
        for number, scales in enumerate(SCALES, start=1):
            self.levels.append(
                self._convolution(f"level_{number}", channels, CHANNELS, 3, 1 if number == 1 else 2)
            )
            channels = CHANNELS
            boxes = len(scales) * len(ASPECTS)
            self.scores.append(self._convolution(f"scores_{number}", CHANNELS, boxes, 1, 1))
        # What padding="same" adds to every second place is not the same on both sides.
        self.padding = keras.layers.ZeroPadding2D(
            1, data_format="channels_last", dtype=self.dtype_policy, name="padding"
        )
        self.built = True

    def call(self, maps: Tensor) -> Tensor:
        scores = []
        for level, of_level in zip(self.levels, self.scores, strict=True):
            maps = ops.relu(level(self.padding(maps)))
            by_box = ops.transpose(of_level(maps), (0, 3, 1, 2))
            scores.append(ops.reshape(by_box, (-1, int(np.prod(by_box.shape[1:])))))
        return ops.cast(ops.concatenate(scores, axis=1), "float32")

    def compute_output_spec(self, maps: Any) -> Any:
        return keras.KerasTensor((maps.shape[0], len(self.boxes)), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "image_sides": list(self.image_sides)}

    def _convolution(
        self, name: str, channels: int, filters: int, side: int, strides: int
    ) -> keras.layers.Layer:
        fan_in = side * side * channels
        layer = keras.layers.Conv2D(
            filters,
            side,
            strides,
            data_format="channels_last",
            kernel_initializer=torch_initializer(fan_in),
            bias_initializer=torch_initializer(fan_in),
            dtype=self.dtype_policy,
            name=name,
        )
        layer.build((None, None, None, channels))
        return layer


def anchor_boxes(image_sides: Sequence[int], grid: Sequence[int]) -> np.ndarray:
    """Boxes of two or three sizes and three aspects around the places of three grids.

    The first grid is that of a map, each further one has half as many places a side, rounded up,
    twice as far apart. A box of scale s and aspect r around a place of stride t has the height
    1.5 t s / sqrt(r) and the width 1.5 t s sqrt(r). Boxes may reach beyond the image.

    Args:
        image_sides: Height and width of the image in pixels.
        grid: Height and width of the map.

    Returns:
        int32 array `(boxes, 4)` of top, left, bottom, right, edges rounded down: by grid, scale,
        aspect, row, column.

    Example:

    >>> keras_rbi.models.p2p_net.part_proposer.anchor_boxes((448, 448), (14, 14)).shape
    (1614, 4)
    """
    strides = [side / places for side, places in zip(image_sides, grid, strict=True)]
    rows, columns = grid
    boxes = []
    for scales in SCALES:
        side = BOX_SIDE * np.sqrt(strides[0] * strides[1])
        centres_y = strides[0] * (np.arange(rows) + 0.5)
        centres_x = strides[1] * (np.arange(columns) + 0.5)
        y, x = np.meshgrid(centres_y, centres_x, indexing="ij")
        for scale in scales:
            for aspect in ASPECTS:
                height, width = side * scale / np.sqrt(aspect), side * scale * np.sqrt(aspect)
                edges = (y - height / 2, x - width / 2, y + height / 2, x + width / 2)
                boxes.append(np.stack(edges, axis=-1).reshape(-1, 4))
        strides = [2 * stride for stride in strides]
        rows, columns = -(-rows // 2), -(-columns // 2)
    return np.floor(np.concatenate(boxes)).astype("int32")
