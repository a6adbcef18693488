"""The last block of a vision transformer, in which the class token attends to the patches."""

import keras

from keras_rbi.types import Tensor


class LastBlock:
    """A transformer of keras_hub that is pooled at its class token, cut before its last block.

    After that block the tokens of the patches reach nothing more, and a gradient with respect to
    them is 0.

    Args:
        backbone: A ViT, DeiT or DINOv2 backbone of keras_hub.

    Attributes:
        entry: Symbolic tensor inside the backbone: the tokens that its blocks begin with.

    Raises:
        ValueError: If it is another backbone.
    """

    def __init__(self, backbone: keras.Model) -> None:
        for layer in backbone.layers:
            blocks = getattr(layer, "encoder_layers", None)
            normalization = getattr(layer, "layer_norm", None)
            if type(layer).__name__ == "DINOV2Encoder":
                blocks, normalization = layer.layers, backbone.layernorm
            if blocks and normalization is not None:
                self.entry: Tensor = layer.input
                self._blocks = list(blocks)
                self._normalization = normalization
                return
        raise ValueError(
            f"The head sees the class token of {backbone.name!r} alone, which its last tokens do "
            "not reach any more, and its last block is not known. ViT, DeiT and DINOv2 backbones "
            "of keras_hub can be explained."
        )

    def before(self, tokens: Tensor) -> Tensor:
        """The tokens that the last block takes, from those of `entry`."""
        for block in self._blocks[:-1]:
            tokens = _call(block, tokens)
        return tokens

    def after(self, tokens: Tensor) -> Tensor:
        """What the backbone gives, from the tokens that the last block takes."""
        return self._normalization(_call(self._blocks[-1], tokens))


def _call(block: keras.layers.Layer, tokens: Tensor) -> Tensor:
    outputs = block(tokens, training=False)
    # DeiT's give attention as well.
    return outputs[0] if isinstance(outputs, tuple) else outputs
