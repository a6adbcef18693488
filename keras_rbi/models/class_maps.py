"""What each place of the last feature map says for each class, as part of a model's graph.

A Grad-CAM needs the gradient of a class's score with respect to the last map A. Where features are
a mean over places, that gradient is the same at each of them, and Grad-CAM's sum over channels is
the derivative of the scores in the direction of the features at a place: one pass forwards gives
it for all classes, with layers that the model has, and no format needs gradients.
"""

from typing import Any

import keras
from keras import ops

from keras_rbi.layers.accepted import accepted
from keras_rbi.layers.reference_attention_change import reference_attention_change
from keras_rbi.models.open_classes import without_activation
from keras_rbi.models.relational_classifier import RelationalClassifier
from keras_rbi.types import Tensor

LINEAR_IN_INFERENCE = (keras.layers.BatchNormalization, keras.layers.Identity)


def has_known_steps(model: Any) -> bool:
    """Whether a model has the steps of a `RelationalClassifier`, whose features are known."""
    return isinstance(model, RelationalClassifier)


def why_no_class_maps(model: Any, relations: str) -> str | None:
    """Why the maps of a model cannot be had in this way; `None` where they can.

    Args:
        model: A classifier.
        relations: What its images relate to: `"none"`, `"self"`, `"batch"` or `"references"`.

    Returns:
        A clause that begins with what stands against it.
    """
    if not has_known_steps(model) or not model.ends_in_one_classifier:
        return f"{type(model).__name__} has more than one linear classifier on pooled features"
    extractor = model.extractor
    if extractor.prefix_tokens:
        return "the backbone is pooled at its class token"
    ends = extractor.top(model.map_model.output)
    if len(getattr(ends, "shape", ())) not in (3, 4):
        return "the backbone pools by itself"
    if model.rra is None:
        return None
    if relations not in ("self", "references"):
        return f"images relate to others (relations={relations!r})"
    if not model.has_attention:
        return "its attention is a layer of one's own"
    if not isinstance(model.rra.normalization, LINEAR_IN_INFERENCE):
        return "its normalization is not linear in inference"
    return None


def class_maps(model: RelationalClassifier, maps: Any, features: Tensor, images: Tensor) -> Tensor:
    """Grad-CAM of every class before its ReLU.

    The sum of a class's map over places is the derivative of its score in the direction of the
    features; the map of one class against another is the difference of their maps.

    Args:
        model: A model of which `why_no_class_maps` says nothing.
        maps: What `model.extract` gives.
        features: What `model.embed_maps` makes of them, shape `(batch, features)`.
        images: The images, for relations.

    Returns:
        float32 tensor of shape `(batch, classes, height, width)`.
    """
    places = _channels_last(model, model.extractor.top(maps))
    _, height, width, channels = places.shape
    changes = ops.cast(ops.reshape(places, (-1, height * width, channels)), "float32")
    changes = changes / (height * width)
    if getattr(model, "embedding", None) is not None:
        changes = _linear_part(model.embedding, changes)
    if model.rra is not None:
        of_branch = _through_attention(model, changes, features, images)
        changes = of_branch if model.integration is None else _added(model, changes, of_branch)
    scores = without_activation(model.classifier, changes)
    zero = without_activation(model.classifier, ops.zeros_like(changes[:, :1]))
    scores = ops.transpose(scores - zero, (0, 2, 1))
    return ops.cast(ops.reshape(scores, (-1, scores.shape[1], height, width)), "float32")


def _channels_last(model: RelationalClassifier, maps: Tensor) -> Tensor:
    if len(maps.shape) == 4 and model.extractor.data_format == "channels_first":
        return ops.transpose(maps, (0, 2, 3, 1))
    return model.extractor.as_map(maps)


def _linear_part(layer: keras.layers.Layer, changes: Tensor) -> Tensor:
    """What a layer that is linear but for a constant makes of changes."""
    zeros = ops.zeros_like(changes[:, :1])
    known = accepted(layer, training=False)
    return ops.cast(layer(changes, **known), "float32") - ops.cast(layer(zeros, **known), "float32")


def _added(model: RelationalClassifier, changes: Tensor, of_branch: Tensor) -> Tensor:
    """`ScaledResidual` is linear in both."""
    zeros = ops.zeros_like(changes)
    return model.integration(changes, of_branch) - model.integration(zeros, zeros)


def _through_attention(
    model: RelationalClassifier, changes: Tensor, features: Tensor, images: Tensor
) -> Tensor:
    """What `RRA` makes of changes of features: of Z, of the residual R, and of the gate beta.

    It mixes dC = (1 - beta) dZ + beta dR + dbeta (R - Z), normalized.
    """
    rra = model.rra
    relations = model.encode_relations(images, training=False)
    parts = rra.parts(features, relations, training=False)
    embeddings, residual, gate = (
        ops.expand_dims(ops.cast(each, "float32"), 1)
        for each in (parts.embeddings, parts.residual, parts.gate)
    )
    of_embeddings = _linear_part(rra.value_dense, changes)
    if rra.inference_relations == "references":
        of_embeddings = _through_references(
            rra, changes, of_embeddings, features, parts.weights, relations
        )
    of_residual = _linear_part(rra.residual_dense, changes)
    both = ops.concatenate([of_embeddings, of_residual, of_embeddings - of_residual], axis=-1)
    of_gate = gate * (1.0 - gate) * _linear_part(rra.gate_dense, both)
    mixed = (1.0 - gate) * of_embeddings + gate * of_residual + of_gate * (residual - embeddings)
    return _linear_part(rra.normalization, mixed)


def _through_references(
    rra: Any, changes: Tensor, of_value: Tensor, features: Tensor, weights: Tensor, relations: Any
) -> Tensor:
    """dZ of an image that attends to references too; alone, it changes as the value does."""
    dense = (rra.query_dense, rra.key_dense, rra.value_dense)
    query, key, value = (ops.cast(layer(features), "float32") for layer in dense)
    return reference_attention_change(
        (query, key, value),
        (_linear_part(rra.query_dense, changes), _linear_part(rra.key_dense, changes), of_value),
        rra.reference_projections(),
        weights,
        None if relations is None else ops.cast(relations, "float32"),
        rra.softmax_axis,
    )
