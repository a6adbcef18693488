"""Per-token classifier."""

from typing import Any

import keras

from keras_rbi.models.torch_dense import torch_dense
from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class TokenClassifier(keras.layers.Layer):
    """Logits of every token: Dense, batch normalisation over images and places, ReLU, Dense.

    Args:
        num_classes: Integer.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        tokens: Tensor of shape `(batch, tokens, channels)`.
        training: Boolean, whether to normalise by the moments of the batch.

    Input shape:
        `(batch, tokens, channels)`.

    Output shape:
        `(batch, tokens, num_classes)`, float32.

    Example:

    >>> keras_rbi.models.herbs.TokenClassifier(3)(np.ones((2, 5, 8), "float32")).shape
    (2, 5, 3)

    Reference:
        [Chou et al., 2023](https://arxiv.org/abs/2303.06442).
    """

    def __init__(self, num_classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def build(self, tokens_shape: Any) -> None:
        width = tokens_shape[-1]
        self.hidden = torch_dense("hidden", width, width, self.dtype_policy)
        self.normalization = keras.layers.BatchNormalization(
            momentum=0.9, epsilon=1e-5, dtype=self.dtype_policy, name="normalization"
        )
        # Ranking and losses compare logits: half precision makes ties of them.
        self.logits = torch_dense("logits", width, self.num_classes, "float32")
        for layer in (self.hidden, self.normalization, self.logits):
            layer.build(tokens_shape)
        self.built = True

    def call(self, tokens: Tensor, training: bool | None = None) -> Tensor:
        hidden = self.normalization(self.hidden(tokens), training=training)
        return self.logits(keras.ops.relu(hidden))

    def compute_output_spec(self, tokens: Any, training: bool | None = None) -> Any:
        return keras.KerasTensor((*tokens.shape[:-1], self.num_classes), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_classes": self.num_classes}
