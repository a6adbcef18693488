"""Feature extraction from a backbone: pooled features, last feature map, stages."""

import math
from typing import Any

import keras

from keras_rbi.backbones import applications, hub
from keras_rbi.backbones.trunk import trunk
from keras_rbi.types import Tensor

# Layers whose maps are only on their way to the next, at the side before or after a halving.
BETWEEN_STAGES = (
    keras.layers.ZeroPadding2D,
    keras.layers.Cropping2D,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
)
# How far a stage's side may be from the image's divided by 4, 8, 16 or 32: networks without
# padding lose a few pixels on the way.
STAGE_TOLERANCE = 0.15
STAGE_STRIDES = (4, 8, 16, 32)


class FeatureExtractor:
    """Finds pooled features, the last feature map and the stages of a backbone.

    Args:
        backbone: A `keras.Model` from images to maps `(batch, height, width, channels)` (or
            `(batch, channels, height, width)`), tokens `(batch, tokens, channels)`, rows
            `(batch, channels)`, or a dictionary of maps, one for each level of a pyramid.
            A model of `keras.applications` may have its classifier still.

    Raises:
        ValueError: If it is no model, or cannot be looked into.

    Attributes:
        backbone: The backbone, without the classifier of `keras.applications`, and a functional
            model of the same layers in place of a `keras.Sequential`.
        data_format: `"channels_last"` or `"channels_first"`, that of its maps.
        prefix_tokens: How many tokens stand before those of the patches.

    Example:

    >>> extractor = keras_rbi.backbones.FeatureExtractor(keras_rbi.backbones.SmallCNN((64, 64, 3)))
    >>> [stage.shape[1] for stage in extractor.stages()], extractor.last_map().shape
    ([16, 8, 4], (None, 4, 4, 128))
    """

    def __init__(self, backbone: keras.Model) -> None:
        if not isinstance(backbone, keras.Model):
            mend = "Make a model of it that has one image input."
            if isinstance(backbone, str):
                mend = f"Make one by its name: keras_rbi.backbones.get({backbone!r})."
            raise ValueError(
                f"The backbone must be a `keras.Model`. Received: {backbone!r}. {mend}"
            )
        if not _is_graph(backbone):
            raise ValueError(
                "The backbone must be a functional model with one image input of known shape. "
                f"Received: {backbone.name!r} of class {type(backbone).__name__}. Begin a "
                "Sequential with keras.Input((height, width, 3)); of a model of your own class "
                "make keras.Model(images, backbone(images)), with images = keras.Input(...)."
            )
        if isinstance(backbone, keras.Sequential):
            # Its own input and output are known only once it has been called.
            backbone = keras.Model(backbone.inputs, backbone.outputs[0], name=backbone.name)
        if applications.is_application(backbone):
            backbone = applications.without_classifier(backbone)
        self.backbone = backbone
        self._pooling: dict[int, keras.layers.Layer] = {}
        self.data_format: str = _data_format(backbone)
        self.prefix_tokens: int = hub.prefix_tokens(backbone)
        hub.check_data_format(backbone)
        hub.check_image_size(backbone)

    def pool(self, outputs: Any) -> Tensor:
        """One row of features for each image, whatever the backbone gives.

        Maps and tokens are averaged over their places. A backbone with a class token was trained
        to say what it saw there, so that token is the row. A pyramid is pooled at its top.

        Args:
            outputs: What the backbone gives: a symbolic tensor, or a dictionary of them.

        Returns:
            Symbolic tensor of shape `(batch, channels)`.

        Raises:
            ValueError: If the features are of another rank, or several.
        """
        features = self.top(outputs)
        rank = len(features.shape) if hasattr(features, "shape") else None
        if rank == 2:
            return features
        if rank == 3 and self.prefix_tokens:
            return features[:, 0]
        if rank in (3, 4):
            # Made once, so that a model that pools again and again has one layer for it.
            if rank not in self._pooling:
                self._pooling[rank] = (
                    keras.layers.GlobalAveragePooling1D(data_format="channels_last", name="pooling")
                    if rank == 3
                    else keras.layers.GlobalAveragePooling2D(
                        data_format=self.data_format, name="pooling"
                    )
                )
            return self._pooling[rank](features)
        raise ValueError(
            "A backbone must give one map (batch, height, width, channels), tokens (batch, "
            "tokens, channels), rows (batch, channels), or a dictionary of maps. "
            f"Received: {features}."
        )

    @staticmethod
    def top(outputs: Any) -> Any:
        """The coarsest level of a pyramid, a dictionary of maps; anything else as it is."""
        return _levels(outputs)[-1] if isinstance(outputs, dict) and outputs else outputs

    def features(self, images: Tensor) -> Tensor:
        """One row of features for each image, by way of the backbone.

        Args:
            images: Symbolic tensor of images, prepared as the backbone takes them.

        Returns:
            Symbolic tensor of shape `(batch, channels)`.
        """
        # Some backbones take a dictionary of one image.
        inputs = keras.tree.pack_sequence_as(self.backbone.input, [images])
        return self.pool(self.backbone(inputs))

    def last_map(self) -> Tensor:
        """The last features that still have places, as a tensor inside the backbone.

        Returns:
            Symbolic tensor: a map of rank 4, or tokens of rank 3 (see `as_map`).

        Raises:
            ValueError: If the backbone pools where this cannot be seen.
        """
        outputs = self.backbone.output
        if isinstance(outputs, dict):
            return _levels(outputs)[-1]
        if len(outputs.shape) in (3, 4):
            return outputs
        pooling = applications.global_pooling(self.backbone)
        if pooling is None or len(pooling.input.shape) != 4:
            raise ValueError(
                f"The backbone {self.backbone.name!r} has no map that can be looked at: it gives "
                "rows, and has no global pooling layer. Give one whose output is a map or tokens."
            )
        return pooling.input

    def as_map(self, tokens: Tensor) -> Tensor:
        """Lays tokens out as a map, without those that stand for no place.

        Args:
            tokens: Tensor of shape `(batch, tokens, channels)`, or a map, given back as it is.

        Returns:
            Tensor of shape `(batch, height, width, channels)`.

        Raises:
            ValueError: If the number of tokens does not fill a grid of the image's shape.
        """
        if len(tokens.shape) == 4:
            return tokens
        count = tokens.shape[1] - self.prefix_tokens
        height, width = self.image_sides
        rows = round(math.sqrt(count * height / width))
        if rows == 0 or count % rows:
            raise ValueError(
                f"{count} tokens do not fill a grid over an image of {height}x{width} pixels."
            )
        places = tokens[:, self.prefix_tokens :]
        return keras.ops.reshape(places, (-1, rows, count // rows, tokens.shape[-1]))

    def stages(self) -> list[Tensor]:
        """The last features at a quarter of the image's sides, an eighth, and so on.

        The last that every path through the network passes, so none from inside a block.

        Returns:
            List of symbolic tensors inside the backbone, the finest first. A backbone that keeps
            one size, as ViT does, has one.
        """
        if hub.has_stages(self.backbone):
            return hub.stages(self.backbone)
        if isinstance(self.backbone.output, dict):
            return _levels(self.backbone.output)
        last = self.last_map()
        if len(last.shape) == 3:
            return [last]
        maps = [
            tensor
            for layer, tensor in trunk(self.backbone)
            if not isinstance(layer, BETWEEN_STAGES) and len(getattr(tensor, "shape", ())) == 4
        ]
        stages = []
        for stride in STAGE_STRIDES:
            at_stride = [places for places in maps if self._has_stride(places, stride)]
            if at_stride:
                stages.append(at_stride[-1])
        return [*stages[:-1], last] if stages else [last]

    @property
    def image_sides(self) -> tuple[int, int]:
        """Height and width of the images, in pixels."""
        height, width = _sides(image_input(self.backbone).shape, self.data_format)
        return height, width

    def _has_stride(self, places: Tensor, stride: int) -> bool:
        sides = _sides(places.shape, self.data_format)
        expected = [side / stride for side in self.image_sides]
        return all(
            side is not None and abs(side - goal) <= max(0.5, STAGE_TOLERANCE * goal)
            for side, goal in zip(sides, expected, strict=True)
        )


def image_input(backbone: Any) -> Tensor:
    """The symbolic images that a functional backbone takes.

    Args:
        backbone: A `keras.Model`.

    Returns:
        Symbolic tensor, its first axis the batch.

    Raises:
        ValueError: If it does not take exactly one.
    """
    inputs = getattr(backbone, "inputs", None) or []
    if len(inputs) != 1:
        raise ValueError(
            "The backbone must be a model with one image input of known shape. Received: "
            f"{backbone!r} with {len(inputs)} inputs."
        )
    return inputs[0]


def _is_graph(backbone: Any) -> bool:
    return bool(getattr(backbone, "outputs", None))


def _levels(pyramid: dict[str, Tensor]) -> list[Tensor]:
    """Maps of a pyramid, the finest first: the number in a level's name says how coarse it is."""

    def level(name: str) -> tuple[int, str]:
        digits = "".join(character for character in name if character.isdigit())
        return int(digits or 0), name

    return [pyramid[name] for name in sorted(pyramid, key=level)]


def _data_format(backbone: Any) -> str:
    for layer in getattr(backbone, "layers", []):
        if isinstance(layer, keras.Model):
            return _data_format(layer)
        if isinstance(layer, keras.layers.Conv2D):
            return layer.data_format
    return keras.config.image_data_format()


def _sides(shape: Any, data_format: str) -> Any:
    return shape[2:4] if data_format == "channels_first" else shape[1:3]
