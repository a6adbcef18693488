"""Graph convolution that combines the selected tokens into one embedding."""

from typing import Any

import keras
from keras import ops

from keras_rbi.models.einsum_dense import EinsumDense
from keras_rbi.models.torch_dense import torch_dense
from keras_rbi.models.torch_initializer import torch_initializer
from keras_rbi.types import Tensor

TOKENS_FOR_A_JOINT = 64


@keras.saving.register_keras_serializable(package="keras_rbi")
class TokenCombiner(keras.layers.Layer):
    """Combines selected tokens by a graph convolution over a few joints.

    M tokens X, in an order that means something, are mixed to J = max(1, M // 64) joints H. With
    trainable Adj and alpha, and q and k the means over the channels of two projections of H:

    ```
    A_ij = Adj_ij + alpha tanh(q_i - k_j)
    G_j  = BatchNorm( sum_i A_ij Dense(H_i) )
    v    = sum_j p_j G_j + b
    ```

    Args:
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        tokens: Tensor of shape `(batch, tokens, channels)`.
        training: Boolean, whether to normalise by the moments of the batch.

    Input shape:
        `(batch, tokens, channels)`, with at least 4 channels.

    Output shape:
        `(batch, channels)`.

    Example:

    >>> keras_rbi.models.herbs.TokenCombiner()(np.ones((2, 130, 8), "float32")).shape
    (2, 8)

    Reference:
        [Chou et al., 2022](https://arxiv.org/abs/2202.03822), the combiner.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def build(self, tokens_shape: Any) -> None:
        _, tokens, channels = tokens_shape
        joints = max(1, tokens // TOKENS_FOR_A_JOINT)
        self.to_joints = EinsumDense(
            "bmc,mj->bjc",
            output_shape=(joints, None),
            bias_axes="j",
            kernel_initializer=torch_initializer(tokens),
            bias_initializer=torch_initializer(tokens),
            dtype=self.dtype_policy,
            name="to_joints",
        )
        self.to_joints.build(tokens_shape)
        self.query_dense, self.key_dense, self.value_dense = (
            torch_dense(name, channels, units, self.dtype_policy)
            for name, units in (
                ("query", channels // 4),
                ("key", channels // 4),
                ("value", channels),
            )
        )
        self.normalization = keras.layers.BatchNormalization(
            momentum=0.9, epsilon=1e-5, dtype=self.dtype_policy, name="normalization"
        )
        for layer in (self.query_dense, self.key_dense, self.value_dense, self.normalization):
            layer.build((None, joints, channels))
        self.adjacency = self.add_weight(
            shape=(joints, joints),
            initializer=lambda shape, dtype: 0.01 * (ops.ones(shape, dtype) + ops.eye(joints)),
            name="adjacency",
        )
        self.alpha = self.add_weight(shape=(1,), initializer="zeros", name="alpha")
        self.pool_kernel = self.add_weight(
            shape=(joints,), initializer=torch_initializer(joints), name="pool_kernel"
        )
        self.pool_bias = self.add_weight(
            shape=(1,), initializer=torch_initializer(joints), name="pool_bias"
        )
        self.built = True

    def call(self, tokens: Tensor, training: bool | None = None) -> Tensor:
        joints = self.to_joints(tokens)
        query = ops.mean(self.query_dense(joints), axis=-1)
        key = ops.mean(self.key_dense(joints), axis=-1)
        differences = ops.expand_dims(query, 2) - ops.expand_dims(key, 1)
        adjacency = self.adjacency + self.alpha * ops.tanh(differences)
        mixed = ops.einsum("bic,bij->bjc", self.value_dense(joints), adjacency)
        mixed = self.normalization(mixed, training=training)
        return ops.einsum("bjc,j->bc", mixed, self.pool_kernel) + self.pool_bias

    def compute_output_shape(self, tokens_shape: Any) -> Any:
        return tokens_shape[0], tokens_shape[-1]

    def get_config(self) -> dict[str, Any]:
        # Keras makes no config by itself for a layer that was given a policy object.
        return dict(super().get_config())
