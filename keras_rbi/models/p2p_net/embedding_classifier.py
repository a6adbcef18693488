"""A multilayer perceptron that classifies embeddings."""

from typing import Any

import keras

from keras_rbi.layers.two_pass_batch_normalization import TwoPassBatchNormalization
from keras_rbi.models.torch_dense import torch_dense
from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class EmbeddingClassifier(keras.layers.Layer):
    """Logits of rows: batch normalisation, Dense, batch normalisation, ELU, dropout, Dense.

    Args:
        num_classes: Integer.
        units: Integer, the width between the two layers.
        dropout: Float in [0, 1). Defaults to `0.0`.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        rows: Tensor of shape `(batch, features)`.
        training: Boolean, whether to normalise by the moments of the batch and to drop.

    Input shape:
        `(batch, features)`.

    Output shape:
        `(batch, num_classes)`, float32.

    Example:

    >>> keras_rbi.models.p2p_net.EmbeddingClassifier(3, units=4)(np.ones((2, 8), "float32")).shape
    (2, 3)

    Reference:
        [Du et al., 2020](https://arxiv.org/abs/2003.03836).
    """

    def __init__(self, num_classes: int, units: int, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.units = units
        self.dropout_rate = dropout
        self.dropout = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, rows_shape: Any) -> None:
        width = rows_shape[-1]
        self.hidden = torch_dense("hidden", width, self.units, self.dtype_policy)
        self.logits = torch_dense("logits", self.units, self.num_classes, "float32")
        self.input_normalization, self.hidden_normalization = (
            TwoPassBatchNormalization(dtype=self.dtype_policy, name=f"{name}_normalization")
            for name in ("input", "hidden")
        )
        for layer in (self.input_normalization, self.hidden):
            layer.build((None, width))
        for layer in (self.hidden_normalization, self.logits):
            layer.build((None, self.units))
        self.built = True

    def call(self, rows: Tensor, training: bool | None = None) -> Tensor:
        hidden = self.hidden(self.input_normalization(rows, training=training))
        hidden = keras.ops.elu(self.hidden_normalization(hidden, training=training))
        return self.logits(self.dropout(hidden, training=training))

    def compute_output_spec(self, rows: Any, training: bool | None = None) -> Any:
        return keras.KerasTensor((rows.shape[0], self.num_classes), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "units": self.units,
            "dropout": self.dropout_rate,
        }
