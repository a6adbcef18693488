"""Residual relationship attention: every image attends to the images of its batch."""

from typing import Any, NamedTuple

import keras
from keras import constraints, initializers, ops, regularizers

from keras_rbi.layers.inference_relations import InferenceRelations
from keras_rbi.layers.reference_attention import reference_attention
from keras_rbi.layers.relation_groups import (
    check_group_size,
    join_groups,
    pairs_in_use,
    positive_integer,
    relations_within_groups,
    rows_in_use,
    split_into_groups,
)
from keras_rbi.layers.relationship_attention import (
    attention_embeddings,
    attention_logits,
    masked_softmax,
)
from keras_rbi.layers.two_pass_batch_normalization import TwoPassBatchNormalization

Tensor = Any


class AttentionParts(NamedTuple):
    """The embeddings Z, the residual R, the gate beta of every image, and the attention A."""

    embeddings: Tensor
    residual: Tensor
    gate: Tensor
    weights: Tensor


class _Normalization(TwoPassBatchNormalization):
    def compute_mask(self, *args: Any) -> None:
        # Keras would hand the mask on with the output, which may be the layer's own.
        return None


@keras.saving.register_keras_serializable(package="keras_rbi")
class RRA(InferenceRelations, keras.layers.Layer):
    """Residual relationship attention (RRA) over the images of a batch.

    Every image (the target j) attends to the images of its batch (the sources i) through its
    features and through their relations S from `RPE`, and a gate mixes what it finds with
    a residual of its own features.

    ```
    A = softmax((Q K^T + S * sum(Q)) / sqrt(units))                 (eqs. 7-10)
    Z_j = sum_i A_ij * (v_i + s_ij)                                 (eq. 11)
    R = N W_S;  beta = sigmoid([Z, R, Z - R] W_beta)                (eq. 12)
    C = BatchNormalization((1 - beta) * Z + beta * R)               (eq. 13)
    ```

    The paper writes this with tensors of `batch * batch * units` values; the sums above are
    the same numbers in `batch**2 + batch * units`. Softmax, sums, gate and normalisation are
    computed in float32 under mixed precision.

    Args:
        units: Integer, the width D of the output and of queries, keys and values. The
            features may have another width.
        softmax_axis: `-2` or `-1`. `-2` normalises over the sources, the axis that eq. 11 sums
            over; `-1`, the other reading of eq. 10, over the targets. Defaults to `-2`.
        gate: `"image"` or `"feature"`: one beta for each image, or one for each of its
            features. Defaults to `"image"`.
        relation_dropout: Float in [0, 1], the probability in training with which an image
            relates to itself alone, drawn for each image of each batch. A model trained with it
            answers with and without company. Defaults to `0.0`, as in the paper.
        group_size: Integer, or `None`. Images attend within consecutive groups of this many
            images only. Defaults to `None`, one group for the whole batch.
        inference_relations: `"batch"`, `"self"` or `"references"`, the sources of an image when
            `training` is not true. With `"self"`, an image's output depends on itself alone; with
            `"references"`, on itself and the references of the model, as if those made up its
            batch. Sets of images relate within themselves all the same. Defaults to `"batch"`.
        use_bias: Boolean, whether the projections and the gate have a bias. Defaults to
            `False`: the paper names parameter matrices only.
        momentum: Float, momentum of the normalisation's moving averages. Defaults to `0.9`.
        epsilon: Float, added to the normalisation's variance. Defaults to `1e-5`.
        kernel_initializer: Initializer of the projections and of the gate. Defaults to
            `"glorot_uniform"`.
        bias_initializer: Initializer of the biases. Defaults to `"zeros"`.
        beta_initializer: Initializer of the normalisation's beta. Defaults to `"zeros"`.
        gamma_initializer: Initializer of the normalisation's gamma. Defaults to `"ones"`.
        kernel_regularizer: Regularizer of the kernels. Defaults to `None`.
        bias_regularizer: Regularizer of the biases. Defaults to `None`.
        beta_regularizer: Regularizer of the normalisation's beta. Defaults to `None`.
        gamma_regularizer: Regularizer of the normalisation's gamma. Defaults to `None`.
        kernel_constraint: Constraint on the kernels. Defaults to `None`.
        bias_constraint: Constraint on the biases. Defaults to `None`.
        beta_constraint: Constraint on the normalisation's beta. Defaults to `None`.
        gamma_constraint: Constraint on the normalisation's gamma. Defaults to `None`.
        seed: Integer, or `None`, the seed of the relation dropout. Defaults to `None`.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        features: Tensor of shape `(batch, features)`, or `(sets, batch, features)` for sets
            that relate within themselves.
        relations: Optional tensor S from `RPE`: `(batch, batch)`, `(sets, batch, batch)`, with
            groups `(batch, group_size)`, with references `(batch, 1 + references)`. Without it
            S is 0.
        mask: Optional tensor of shape `(batch,)` (or `(sets, batch)`), true for real images. A
            masked row is no source, does not count in the normalisation's statistics, and
            changes no other row's output; its own output has no meaning.
        training: Boolean, whether to behave as in training.
        return_attention_scores: Boolean, whether to return A as well. Defaults to `False`.

    Input shape:
        `(batch, features)` or `(sets, batch, features)`.

    Output shape:
        `(batch, units)` or `(sets, batch, units)`. With `return_attention_scores`, also A of
        shape `(batch, batch)`, `(sets, batch, batch)` or `(batch, group_size)`: entry `(i, j)`
        is the weight of source i in target j, or in the j-th image of its group. Where images
        relate to themselves alone, A is `(batch, 1)`. With references it is
        `(batch, 1 + references)`: the weights of the image itself and of the references in it.

    Raises:
        ValueError: If an argument is out of its range, or if features or relations have a
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
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        # Relations in decibels lose their digits in half precision, so nothing is cast on entry.
        super().__init__(autocast=False, **kwargs)
        self.supports_masking = True
        if softmax_axis not in (-2, -1):
            raise ValueError(
                "`softmax_axis` must be -2 (over the sources) or -1 (over the targets). "
                f"Received: softmax_axis={softmax_axis!r}."
            )
        if gate not in ("image", "feature"):
            raise ValueError(f"`gate` must be 'image' or 'feature'. Received: gate={gate!r}.")
        if not 0.0 <= relation_dropout <= 1.0:
            raise ValueError(
                "`relation_dropout` must be a probability between 0 and 1. "
                f"Received: relation_dropout={relation_dropout!r}."
            )
        self.units = positive_integer("units", units)
        self.softmax_axis = softmax_axis
        self.gate = gate
        self.relation_dropout = relation_dropout
        self.group_size = check_group_size(group_size)
        self.inference_relations = inference_relations
        self.use_bias = use_bias
        self.momentum = momentum
        self.epsilon = epsilon
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

        self.query_dense = self._dense("query", self.units, self.dtype_policy)
        self.key_dense = self._dense("key", self.units, self.dtype_policy)
        self.value_dense = self._dense("value", self.units, self.dtype_policy)
        self.residual_dense = self._dense("residual", self.units, self.dtype_policy)
        self.gate_dense = self._dense(
            "gate", self.units if gate == "feature" else 1, self._sums_dtype
        )
        self.normalization = _Normalization(
            momentum=momentum,
            epsilon=epsilon,
            beta_initializer=self.beta_initializer,
            gamma_initializer=self.gamma_initializer,
            beta_regularizer=self.beta_regularizer,
            gamma_regularizer=self.gamma_regularizer,
            beta_constraint=self.beta_constraint,
            gamma_constraint=self.gamma_constraint,
            dtype=self._sums_dtype,
            name="normalization",
        )

    @property
    def _sums_dtype(self) -> str:
        return str(keras.backend.result_type(self.compute_dtype, "float32"))

    def _dense(self, name: str, units: int, dtype: Any) -> keras.layers.Dense:
        return keras.layers.Dense(
            units,
            use_bias=self.use_bias,
            # A clone, since one initializer gives the same values each time; so do the clones of
            # an initializer with a seed.
            kernel_initializer=_clone(self.kernel_initializer),
            bias_initializer=_clone(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=dtype,
            name=name,
        )

    def build(
        self, features_shape: Any, relations_shape: Any = None, mask_shape: Any = None
    ) -> None:
        self._check_shapes(features_shape, relations_shape)
        for layer in (self.query_dense, self.key_dense, self.value_dense, self.residual_dense):
            layer.build(features_shape)
        embeddings_shape = (*features_shape[:-1], self.units)
        self.gate_dense.build((*features_shape[:-1], 3 * self.units))
        self.normalization.build(embeddings_shape)
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
        mixed = (1.0 - parts.gate) * parts.embeddings + parts.gate * parts.residual
        if mask is not None:
            mask = ops.cast(mask, "bool")
        outputs = self.normalization(mixed, training=training, mask=mask)
        outputs = ops.cast(outputs, self.compute_dtype)
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
        self._check_shapes(features.shape, None if relations is None else relations.shape, training)
        if mask is not None:
            mask = ops.cast(mask, "bool")
            # Whatever fills the padding: 0 times infinity would reach the other rows.
            features = ops.where(ops.expand_dims(mask, -1), features, 0.0)
        query, key, value, residual = (
            ops.cast(dense(features), self._sums_dtype)
            for dense in (self.query_dense, self.key_dense, self.value_dense, self.residual_dense)
        )
        if relations is not None:
            relations = ops.cast(relations, self._sums_dtype)

        a_set_each = len(features.shape) == 3
        alone = not a_set_each and not training
        if alone and self.inference_relations == "self":
            embeddings, weights = self._attend_to_self(value, relations)
        elif alone and self.inference_relations == "references":
            embeddings, weights = self._attend_to_references(query, key, value, relations)
        elif a_set_each or self.group_size is None:
            embeddings, weights = self._attend(query, key, value, relations, mask, training)
        else:
            embeddings, weights = self._attend_in_groups(
                self.group_size, query, key, value, relations, mask, training
            )

        gate = ops.sigmoid(
            self.gate_dense(ops.concatenate([embeddings, residual, embeddings - residual], axis=-1))
        )
        return AttentionParts(embeddings, residual, gate, weights)

    def _attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        relations: Tensor | None,
        mask: Tensor | None,
        training: bool | None,
    ) -> tuple[Tensor, Tensor]:
        if mask is not None and relations is not None:
            relations = ops.where(pairs_in_use(mask), relations, 0.0)
        weights = masked_softmax(attention_logits(query, key, relations), mask, self.softmax_axis)
        if training and self.relation_dropout > 0.0:
            alone = (
                keras.random.uniform(ops.shape(query)[:-1], seed=self.seed_generator)
                < self.relation_dropout
            )
            identity = ops.eye(ops.shape(query)[-2], dtype=weights.dtype)
            weights = ops.where(ops.expand_dims(alone, -2), identity, weights)
        return attention_embeddings(weights, value, relations), weights

    def _attend_in_groups(
        self,
        size: int,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        relations: Tensor | None,
        mask: Tensor | None,
        training: bool | None,
    ) -> tuple[Tensor, Tensor]:
        batch = ops.shape(query)[0]
        if relations is not None:
            if relations.shape[-1] != size:
                relations = relations_within_groups(relations, size)
            relations = split_into_groups(relations, size)
        embeddings, weights = self._attend(
            split_into_groups(query, size),
            split_into_groups(key, size),
            split_into_groups(value, size),
            relations,
            split_into_groups(rows_in_use(mask, query), size),
            training,
        )
        return join_groups(embeddings, batch), join_groups(weights, batch)

    def _attend_to_references(
        self, query: Tensor, key: Tensor, value: Tensor, relations: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        references = self.known_references()
        features = ops.convert_to_tensor(references.features)
        # Keys are those of targets, which the references are for the other reading of eq. 10 only.
        of_targets = self.key_dense if self.softmax_axis == -1 else None
        reference_query, reference_key, reference_value = (
            None if dense is None else ops.cast(dense(features), self._sums_dtype)
            for dense in (self.query_dense, of_targets, self.value_dense)
        )
        return reference_attention(
            (query, key, value),
            (reference_query, reference_key, reference_value),
            relations,
            None if relations is None else ops.convert_to_tensor(references.relations),
            self.softmax_axis,
        )

    def _attend_to_self(self, value: Tensor, relations: Tensor | None) -> tuple[Tensor, Tensor]:
        weights = ops.ones_like(value[:, :1])
        if relations is None:
            return value, weights
        if relations.shape[-1] != 1:
            relations = self._relations_to_self(relations)
        return value + relations, weights

    def _relations_to_self(self, relations: Tensor) -> Tensor:
        batch = ops.shape(relations)[0]
        if self.group_size is not None and relations.shape[-1] == self.group_size:
            relations = split_into_groups(relations, self.group_size)
        identity = ops.eye(ops.shape(relations)[-1], dtype="bool")
        # `where` and not a product: other rows may hold anything.
        to_self = ops.sum(ops.where(identity, relations, 0.0), axis=-1)
        return ops.reshape(to_self, (-1, 1))[:batch]

    def _check_shapes(
        self, features_shape: Any, relations_shape: Any, training: bool | None = None
    ) -> None:
        if len(features_shape) not in (2, 3):
            raise ValueError(
                "RRA takes one row of features for each image, a tensor of rank 2 (batch, "
                "features), or of rank 3 for sets of images. Received: features of shape "
                f"{tuple(features_shape)}. Pool maps and tokens first, for example with "
                "keras.layers.GlobalAveragePooling2D."
            )
        if features_shape[-1] is None:
            raise ValueError(
                "RRA needs features of a known width. Received: features of shape "
                f"{tuple(features_shape)}."
            )
        if relations_shape is None:
            return
        batch, width = features_shape[-2], relations_shape[-1]
        # The batch last, since a comparison with an open one would be traced as a condition on it.
        widths = [self.group_size, batch]
        if self.inference_relations == "self" and not training:
            widths.insert(0, 1)
        elif self.inference_relations == "references" and not training and self.has_references:
            widths.insert(0, 1 + self.known_references().num_references)
        rows_fit = len(relations_shape) == len(features_shape) and all(
            None in pair or pair[0] == pair[1]
            for pair in zip(relations_shape[:-1], features_shape[:-1], strict=True)
        )
        if not rows_fit or (None not in (batch, width) and width not in widths):
            raise ValueError(
                "The relations must be those of the same images: shape (batch, batch), "
                "(batch, group_size) with groups, or (batch, 1 + references). Received: "
                f"relations of shape {tuple(relations_shape)} with features of shape "
                f"{tuple(features_shape)} and group_size={self.group_size}. Both come from one "
                "batch: RRA(units)(features, RPE()(images))."
            )

    def compute_mask(self, *args: Any) -> None:
        """No mask goes on: the output has rows of images, not of time steps."""

    def compute_output_shape(
        self, features_shape: Any, relations_shape: Any = None, mask_shape: Any = None
    ) -> tuple[Any, ...]:
        self._check_shapes(features_shape, relations_shape)
        return (*features_shape[:-1], self.units)

    def compute_output_spec(
        self,
        features: Any,
        relations: Any = None,
        mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
    ) -> Any:
        shape = self.compute_output_shape(
            features.shape, None if relations is None else relations.shape
        )
        outputs = keras.KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return outputs
        targets = shape[-2] if len(shape) == 3 or self.group_size is None else self.group_size
        return outputs, keras.KerasTensor((*shape[:-1], targets), dtype=self._sums_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "softmax_axis": self.softmax_axis,
            "gate": self.gate,
            "relation_dropout": self.relation_dropout,
            "group_size": self.group_size,
            "inference_relations": self.inference_relations,
            "use_bias": self.use_bias,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
            "seed": self.seed,
        }


def _clone(initializer: Any) -> Any:
    if isinstance(initializer, initializers.Initializer):
        return initializer.clone()
    return initializer
