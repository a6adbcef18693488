"""Residual relationship attention: every image attends to the images of its batch."""

from typing import Any

import keras
from keras import ops

from keras_rbi.checks import integer, one_of, positive_integer, probability
from keras_rbi.layers.accepted import accepted
from keras_rbi.layers.checked_mask import check_mask_shape, checked_mask
from keras_rbi.layers.inference_relations import InferenceRelations
from keras_rbi.layers.projection import projection, projection_config
from keras_rbi.layers.quantized_parts import quantize_parts, quantized_parts
from keras_rbi.layers.reference_attention import reference_attention
from keras_rbi.layers.relation_sets import check_group_size, cut_relations, set_size
from keras_rbi.layers.relationship_attention import (
    AttentionParts,
    attention_in_sets,
    gated,
    with_relation_dropout,
)
from keras_rbi.layers.rra_arguments import (
    check_normalization,
    check_shapes,
    old_normalization,
    without_old_arguments,
)
from keras_rbi.layers.two_pass_batch_normalization import TwoPassBatchNormalization
from keras_rbi.types import Tensor


@keras.saving.register_keras_serializable(package="keras_rbi")
class RRA(InferenceRelations, keras.layers.Layer):
    """Residual relationship attention (RRA) over the images of a batch.

    Every image (the target j) attends to the images of its batch (the sources i) by features and
    by their relations S from `RPE`; a gate mixes what it finds with a residual of its features.

    ```
    A = softmax((Q K^T + S * sum(Q)) / sqrt(units))                 (eqs. 7-10)
    Z_j = sum_i A_ij * (v_i + s_ij)                                 (eq. 11)
    R = N W_S;  beta = sigmoid([Z, R, Z - R] W_beta)                (eq. 12)
    C = BatchNormalization((1 - beta) * Z + beta * R)               (eq. 13)
    ```

    The paper writes this with tensors of `batch * batch * units` values; these sums are the same
    numbers in `batch**2 + batch * units`, in float32 from the softmax on, whatever the policy.

    Args:
        units: Integer, the width D of queries, keys, values and outputs.
        softmax_axis: `-2`, over the sources, which eq. 11 sums over; or `-1`, over the targets.
            Defaults to `-2`.
        gate: `"image"` or `"feature"`: one beta for each image, or one for each of its
            features. Defaults to `"image"`.
        relation_dropout: Float in [0, 1], the probability in training with which an image
            relates to itself alone, drawn for each image of each batch. Defaults to `0.0`, as in
            the paper.
        group_size: Integer, or `None`. Images attend within consecutive groups of this many.
            Defaults to `None`, one group for the whole batch.
        inference_relations: `"batch"`, `"self"` or `"references"`, the sources of an image when
            `training` is not true: its batch, itself alone, or itself and the references of the
            model. Sets of images relate within themselves all the same. Defaults to `"batch"`.
        use_bias: Boolean, whether the projections and the gate have a bias. Defaults to
            `False`: the paper names parameter matrices only.
        normalization: The layer of eq. 13, which is called with `(batch, units)` and, if it takes
            one, `mask`. Defaults to `None`, `TwoPassBatchNormalization()`.
        kernel_initializer: Of the projections and the gate. Defaults to `"glorot_uniform"`.
        bias_initializer: Of the biases. Defaults to `"zeros"`.
        kernel_regularizer: Regularizer of the kernels. Defaults to `None`.
        bias_regularizer: Regularizer of the biases. Defaults to `None`.
        kernel_constraint: Constraint on the kernels. Defaults to `None`.
        bias_constraint: Constraint on the biases. Defaults to `None`.
        seed: Integer, or `None`, the seed of the relation dropout. Defaults to `None`.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        features: Tensor of shape `(batch, features)`, or `(sets, batch, features)` for sets
            that relate within themselves.
        relations: Optional tensor S from `RPE`: `(batch, batch)`, `(sets, batch, batch)`, with
            groups `(batch, group_size)`, with references `(batch, 1 + references)`. Without it
            S is 0.
        mask: Optional tensor of shape `(batch,)` (or `(sets, batch)`), true for real images. A
            masked row changes no other row's output and no statistics; its own has no meaning.
        training: Boolean, whether to behave as in training.
        return_attention_scores: Boolean, whether to return A as well. Defaults to `False`.

    Input shape:
        `(batch, features)` or `(sets, batch, features)`.

    Output shape:
        `(batch, units)` or `(sets, batch, units)`. With `return_attention_scores`, also A of
        shape `(batch, batch)`, `(sets, batch, batch)` or `(batch, group_size)`: entry `(i, j)`
        is the weight of source i in target j, or in the j-th image of its group. It is `(batch,
        1)` with `"self"`, and `(batch, 1 + references)` with references, the image itself first.

    Raises:
        ValueError: If an argument is out of its range, or if features, relations or mask have a
            shape that does not fit.

    Example:

    >>> images = np.random.randint(0, 256, size=(4, 32, 32, 3)).astype("uint8")
    >>> features = np.random.normal(size=(4, 16)).astype("float32")
    >>> relations = keras_rbi.layers.RPE()(images)
    >>> keras_rbi.layers.RRA(8)(features, relations).shape
    (4, 8)

    Reference:
        [Le et al., 2024](https://arxiv.org/abs/2412.19606), equations 3 to 13.
    """

    def __init__(
        self,
        units: int,
        softmax_axis: int = -2,
        gate: str = "image",
        relation_dropout: float = 0.0,
        group_size: int | None = None,
        inference_relations: str = "batch",
        use_bias: bool = False,
        normalization: keras.layers.Layer | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs, normalization = old_normalization(kwargs, check_normalization(normalization))
        seed = None if seed is None else integer("seed", seed)
        # Relations in decibels lose their digits in half precision, so nothing is cast on entry.
        super().__init__(autocast=False, **kwargs)
        self.supports_masking = True
        self.units = positive_integer("units", units)
        self.softmax_axis = one_of("softmax_axis", softmax_axis, (-2, -1))
        self.gate = one_of("gate", gate, ("image", "feature"))
        self.relation_dropout = probability("relation_dropout", relation_dropout)
        self.group_size = check_group_size(group_size)
        self.inference_relations = inference_relations
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

        self.query_dense, self.key_dense, self.value_dense, self.residual_dense = (
            projection(self, name, self.units, self.dtype_policy)
            for name in ("query", "key", "value", "residual")
        )
        gates = self.units if gate == "feature" else 1
        self.gate_dense = projection(self, "gate", gates, self._sums_dtype)
        self._own_normalization = normalization is not None
        self.normalization = normalization or TwoPassBatchNormalization(
            dtype=self._sums_dtype, name="normalization"
        )
        # Of a file; what is not built yet cannot be quantized.
        self._quantized: list[dict[str, Any]] = []

    @property
    def _parts(self) -> list[keras.layers.Layer]:
        return [
            self.query_dense,
            self.key_dense,
            self.value_dense,
            self.residual_dense,
            self.gate_dense,
        ]

    @property
    def _sums_dtype(self) -> str:
        return str(keras.backend.result_type(self.compute_dtype, "float32"))

    def _drop_relations(self, weights: Tensor) -> Tensor:
        return with_relation_dropout(weights, self.relation_dropout, self.seed_generator)

    def build(
        self, features_shape: Any, relations_shape: Any = None, mask_shape: Any = None
    ) -> None:
        check_shapes(self, features_shape, relations_shape)
        for layer in (self.query_dense, self.key_dense, self.value_dense, self.residual_dense):
            layer.build(features_shape)
        self.gate_dense.build((*features_shape[:-1], 3 * self.units))
        if not self.normalization.built:
            self.normalization.build((*features_shape[:-1], self.units))
        quantize_parts(self._parts, self._quantized)
        self.built = True

    def call(
        self,
        features: Tensor,
        relations: Tensor | None = None,
        mask: Tensor | None = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
    ) -> Any:
        parts = self.parts(features, relations, mask=mask, training=training)
        mixed = gated(parts.embeddings, parts.residual, parts.gate)
        outputs = ops.cast(self.normalize(mixed, mask, training), self.compute_dtype)
        return (outputs, parts.weights) if return_attention_scores else outputs

    def parts(
        self,
        features: Tensor,
        relations: Tensor | None = None,
        mask: Tensor | None = None,
        training: bool | None = None,
    ) -> AttentionParts:
        """What the layer mixes, eqs. 3 to 12, for those who look into it.

        Args:
            features: As in a call of the layer, which must have been built.
            relations: As in a call of the layer. Defaults to `None`.
            mask: As in a call of the layer. Defaults to `None`.
            training: As in a call of the layer. Defaults to `None`.

        Returns:
            An `AttentionParts`.
        """
        check_shapes(self, features.shape, None if relations is None else relations.shape, training)
        mask = checked_mask(mask, features.shape[:-1])
        if mask is not None:
            # Whatever fills the padding: 0 times infinity would reach the other rows.
            features = ops.where(ops.expand_dims(mask, -1), features, 0.0)
        query, key, value, residual = (
            ops.cast(dense(features), self._sums_dtype)
            for dense in (self.query_dense, self.key_dense, self.value_dense, self.residual_dense)
        )
        if relations is not None:
            relations = ops.cast(relations, self._sums_dtype)
        in_sets = len(features.shape) == 3
        if self.inference_relations == "references" and not in_sets and not training:
            embeddings, weights = self._attend_to_references(query, key, value, relations)
        else:
            size = set_size(self.inference_relations, self.group_size, training)
            size = None if in_sets else size
            relations = cut_relations(relations, size, self.group_size)
            dropout = self._drop_relations if training and self.relation_dropout > 0.0 else None
            embeddings, weights = attention_in_sets(
                query, key, value, relations, mask, size, self.softmax_axis, dropout
            )
        both = ops.concatenate([embeddings, residual, embeddings - residual], axis=-1)
        return AttentionParts(embeddings, residual, ops.sigmoid(self.gate_dense(both)), weights)

    def reference_projections(self) -> tuple[Tensor, Tensor | None, Tensor]:
        """Query, key and value of the references, `(references, units)` each.

        The keys are those of targets, which the references are for the other reading of eq. 10
        alone; else there are none.
        """
        features = ops.convert_to_tensor(self.known_references().features)

        def projected(dense: keras.layers.Layer) -> Tensor:
            return ops.cast(dense(features), self._sums_dtype)

        key = projected(self.key_dense) if self.softmax_axis == -1 else None
        return projected(self.query_dense), key, projected(self.value_dense)

    def _attend_to_references(
        self, query: Tensor, key: Tensor, value: Tensor, relations: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Z and A where each image has itself and the references for a set."""
        stored = self.known_references().relations
        return reference_attention(
            (query, key, value),
            self.reference_projections(),
            relations,
            None if relations is None else ops.convert_to_tensor(stored),
            self.softmax_axis,
        )

    def normalize(
        self, mixed: Tensor, mask: Tensor | None = None, training: bool | None = None
    ) -> Tensor:
        """C of eq. 13, of what the gate has mixed."""
        mask = None if mask is None else ops.cast(mask, "bool")
        optional = accepted(self.normalization, mask=mask, training=training)
        return self.normalization(mixed, **optional)

    def compute_mask(self, *args: Any) -> None:
        """No mask goes on: the output has rows of images, not of time steps."""

    def compute_output_shape(
        self, features_shape: Any, relations_shape: Any = None, mask_shape: Any = None
    ) -> tuple[Any, ...]:
        check_shapes(self, features_shape, relations_shape)
        return (*features_shape[:-1], self.units)

    def compute_output_spec(
        self,
        features: Any,
        relations: Any = None,
        mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
    ) -> Any:
        relations_shape = None if relations is None else relations.shape
        shape = self.compute_output_shape(features.shape, relations_shape)
        if mask is not None:
            check_mask_shape(mask.shape, shape[:-1])
        outputs = keras.KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return outputs
        targets = shape[-2] if len(shape) == 3 or self.group_size is None else self.group_size
        return outputs, keras.KerasTensor((*shape[:-1], targets), dtype=self._sums_dtype)

    def get_config(self) -> dict[str, Any]:
        own = self.normalization if self._own_normalization else None
        quantized = quantized_parts(self._parts)
        return {
            **super().get_config(),
            **({"quantized": quantized} if quantized else {}),
            "units": self.units,
            "softmax_axis": self.softmax_axis,
            "gate": self.gate,
            "relation_dropout": self.relation_dropout,
            "group_size": self.group_size,
            "inference_relations": self.inference_relations,
            "use_bias": self.use_bias,
            "normalization": keras.saving.serialize_keras_object(own),
            **projection_config(self),
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RRA":
        arguments = without_old_arguments(config)
        quantized = arguments.pop("quantized", [])
        layer = cls(**arguments)
        layer._quantized = quantized
        return layer
