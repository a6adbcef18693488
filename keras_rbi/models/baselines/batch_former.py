"""BatchFormer: a transformer encoder over the images of a training batch."""

from typing import Any

import keras
from keras import ops

from keras_rbi.checks import positive_integer
from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class BatchFormer(keras.layers.Layer):
    """A transformer encoder layer over the images of a batch, in training only.

    In training the images of a batch are the tokens of one sequence. The layer is that of the
    BatchFormer paper, PyTorch's `TransformerEncoderLayer(features, 4, features, 0.5)`:
    normalisation after each residual sum, a feed-forward part as wide as the features, and ReLU.
    Otherwise the features go through as they are, so that an image's prediction depends on itself
    alone. `keras_rbi.models.BatchFormerModel` trains one classifier on both.

    Args:
        num_heads: Integer, a divisor of the number of features. Defaults to `4`.
        dropout: Float in [0, 1), of the attention weights, of the feed-forward part, and of what
            each part adds. Defaults to `0.5`.
        seed: Integer, or `None`, the seed of the dropout. Defaults to `None`.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        features: Tensor of shape `(batch, features)`.
        training: Boolean, whether to behave as in training.

    Input shape:
        `(batch, features)`.

    Output shape:
        `(batch, features)`.

    Raises:
        ValueError: If an argument is out of its range, or if the features have a shape that does
            not fit.

    Example:

    >>> features = np.random.normal(size=(6, 16)).astype("float32")
    >>> keras_rbi.models.baselines.BatchFormer()(features, training=True).shape
    (6, 16)

    Reference:
        [Hou et al., 2022](https://arxiv.org/abs/2203.01522).
    """

    def __init__(
        self, num_heads: int = 4, dropout: float = 0.5, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not 0.0 <= dropout < 1.0:
            raise ValueError(f"`dropout` must be in [0, 1). Received: dropout={dropout!r}.")
        self.num_heads = positive_integer("num_heads", num_heads)
        self.dropout = dropout
        self.seed = seed

    def build(self, features_shape: Any) -> None:
        width = features_shape[-1]
        if len(features_shape) != 2 or width is None or width % self.num_heads:
            raise ValueError(
                "BatchFormer takes features of shape (batch, features), whose number is a multiple "
                f"of num_heads={self.num_heads}. Received: shape {tuple(features_shape)}. Pool "
                "maps and tokens first, or pass another num_heads."
            )
        policy, layers = self.dtype_policy, keras.layers
        # The images are a sequence along the last axis but one. Of heads of a single feature,
        # TensorFlow's `keras.ops.add`, which projections add their biases by, takes the biases of
        # shape (heads, 1) for those of as many images if these are along the second axis.
        self._before = (1, 1) if width == self.num_heads else (1,)
        self.attention = layers.MultiHeadAttention(
            self.num_heads,
            width // self.num_heads,
            dropout=self.dropout,
            seed=self.seed,
            dtype=policy,
            name="attention",
        )
        self.hidden_dense = layers.Dense(width, activation="relu", dtype=policy, name="hidden")
        self.output_dense = layers.Dense(width, dtype=policy, name="output")
        # PyTorch's epsilon; Keras's is 1e-3.
        self.attention_norm, self.output_norm = (
            layers.LayerNormalization(epsilon=1e-5, dtype=policy, name=f"{name}_norm")
            for name in ("attention", "output")
        )
        self.attention_dropout, self.hidden_dropout, self.output_dropout = (
            layers.Dropout(self.dropout, seed=self.seed, dtype=policy, name=f"{name}_dropout")
            for name in ("attention", "hidden", "output")
        )
        sequence = (*self._before, *features_shape)
        self.attention.build(sequence, sequence)
        for layer in (
            self.hidden_dense,
            self.output_dense,
            self.attention_norm,
            self.output_norm,
        ):
            layer.build(features_shape)
        self.built = True

    def call(self, features: Tensor, training: bool | None = None) -> Tensor:
        if not training:
            return features
        attended = self.attention_dropout(self.attend(features), training=True)
        mixed = self.attention_norm(features + attended)
        hidden = self.hidden_dropout(self.hidden_dense(mixed), training=True)
        added = self.output_dropout(self.output_dense(hidden), training=True)
        return self.output_norm(mixed + added)

    def attend(self, features: Tensor) -> Tensor:
        """What attention over the batch gives each image, as in training."""
        ahead = tuple(range(len(self._before)))
        sequence = ops.expand_dims(features, ahead)
        return ops.squeeze(self.attention(sequence, sequence, training=True), ahead)

    def compute_output_shape(self, features_shape: Any) -> Any:
        return features_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "seed": self.seed,
        }
