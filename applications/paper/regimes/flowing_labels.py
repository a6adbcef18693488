"""RBI whose labels flow as its features do: the batch as an adaptive MixUp."""

from typing import Any

from keras import ops

from applications.paper.regimes.mixed_targets import (
    MixedTargetsLoss,
    classify_features,
    with_shares,
)
from keras_rbi import RBIModel
from keras_rbi.layers.relationship_attention import gated
from keras_rbi.models.variants import OF_0_1
from keras_rbi.types import Tensor


def flow(weights: Tensor, gate: Tensor) -> Tensor:
    """What share each image of a batch has in the features that RRA makes of another.

    The attention A, whose columns sum to 1, has a share of 1 - beta, the image's own residual the
    rest: eqs. 11 to 13.

    Args:
        weights: A of shape `(batch, batch)`, entry `(i, j)` that of source i in target j.
        gate: Beta of shape `(batch, 1)`.

    Returns:
        Tensor of shape `(batch, batch)`, a row for each target, which sums to 1.
    """
    return (1.0 - gate) * ops.transpose(weights) + gate * ops.eye(ops.shape(gate)[0])


class FlowingLabels(MixedTargetsLoss, RBIModel):
    """RBI of version 0.1 whose targets in training are the mixtures that its features are.

    That version's form, since there what RRA gives takes the place of the features: mixtures of
    them are all that is classified. Labels must be one-hot.

    Args:
        *args: As for `RBIModel`.
        **kwargs: As for `RBIModel`, but for `variant`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, variant=OF_0_1, **kwargs)

    def attend(
        self, features: Any, relations: Any, mask: Any = None, training: bool | None = None
    ) -> Any:
        """As `RBIModel`; in training with the shares beside the features."""
        if not training:
            return super().attend(features, relations, mask, training)
        parts = self.rra.parts(features, relations, mask=mask, training=True)
        mixed = gated(parts.embeddings, parts.residual, parts.gate)
        return with_shares(self.rra.normalize(mixed, mask, True), flow(parts.weights, parts.gate))

    def classify(self, related: Tensor, training: bool | None = None) -> Tensor:
        """Probabilities `(batch, classes)`, in training with shares."""
        if not training:
            return self.classifier(related)
        return classify_features(self.classifier, related)
