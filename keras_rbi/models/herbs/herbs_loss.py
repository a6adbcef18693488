"""The loss that HERBS is trained with, image by image."""

from typing import Any

from keras import ops

from keras_rbi.models.cross_entropy import cross_entropy
from keras_rbi.types import Tensor

# What HERBS is trained with on CUB-200-2011; of its paper, refinement has 1.
WEIGHTS = {"refinement": 1.375, "layer": 0.3, "suppression": 5.0, "selection": 0.0, "combined": 1.0}


def refinement(student: Tensor, teacher: Tensor, temperature: Any) -> Tensor:
    """Divergence of the student's tokens from the teacher's, both softened: p log(p / q).

    The mean over tokens and classes, without a factor for the temperature, which makes it tiny
    while the temperature is high. The teacher learns nothing from it.

    Args:
        student: Logits of shape `(batch, tokens, classes)`.
        teacher: Logits of the same shape.
        temperature: Scalar.

    Returns:
        Tensor of shape `(batch,)`.
    """
    teacher = ops.stop_gradient(teacher)
    log_p = ops.log_softmax(teacher / temperature, axis=-1)
    log_q = ops.log_softmax(student / temperature, axis=-1)
    return ops.mean(ops.exp(log_p) * (log_p - log_q), axis=(1, 2))


def suppression(dropped: Tensor) -> Tensor:
    """How far the tokens that were not selected are from speaking for no class: (tanh(z) + 1)².

    Args:
        dropped: Logits of shape `(batch, tokens, classes)`.

    Returns:
        Tensor of shape `(batch,)`, the mean over tokens and classes; 0 without tokens.
    """
    if dropped.shape[1] == 0:
        return ops.zeros(ops.shape(dropped)[:1], dropped.dtype)
    return ops.mean(ops.square(ops.tanh(dropped) + 1.0), axis=(1, 2))


def herbs_loss(
    outputs: dict[str, Any],
    targets: Tensor,
    temperature: Any,
    weights: dict[str, float] | None = None,
) -> Tensor:
    """The sum over the stages of what HERBS learns from, and of the combiner's cross-entropy.

    Args:
        outputs: What `herbs_heads` gives.
        targets: Probabilities of the classes, shape `(batch, classes)`.
        temperature: Scalar, that of the refinement.
        weights: Factors of the terms by their names in `WEIGHTS`. Defaults to `None`, those.

    Returns:
        Tensor of shape `(batch,)`.
    """
    weights = WEIGHTS | (weights or {})
    loss = weights["combined"] * cross_entropy(outputs["combined"], targets)
    stages = (outputs[name] for name in ("top_down", "bottom_up", "selected", "dropped"))
    for top_down, bottom_up, selected, dropped in zip(*stages, strict=True):
        loss = loss + weights["refinement"] * refinement(top_down, bottom_up, temperature)
        loss = loss + weights["layer"] * cross_entropy(ops.mean(bottom_up, axis=1), targets)
        loss = loss + weights["suppression"] * suppression(dropped)
        if weights["selection"]:
            by_token = cross_entropy(selected, ops.expand_dims(targets, 1))
            loss = loss + weights["selection"] * ops.mean(by_token, axis=1)
    return loss
