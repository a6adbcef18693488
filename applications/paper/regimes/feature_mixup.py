"""Manifold MixUp at the features: the cheap rival of relations."""

from typing import Any

import keras
from keras import ops

from applications.paper.regimes.mixed_targets import (
    MixedTargetsLoss,
    classify_features,
    with_shares,
)
from keras_rbi.models import BackboneClassifier
from keras_rbi.types import Tensor

ALPHA = 1.0


def mixup_shares(kept: Tensor, partners: Tensor) -> Tensor:
    """Shares of a batch's images in each other: `kept` of themselves, the rest of a partner.

    Args:
        kept: Scalar tensor in 0..1.
        partners: Integer tensor of shape `(batch,)`.

    Returns:
        Tensor of shape `(batch, batch)`.
    """
    batch = ops.shape(partners)[0]
    own, other = ops.eye(batch), ops.one_hot(partners, batch)
    return kept * own + (1.0 - kept) * other


class FeatureMixup(MixedTargetsLoss, BackboneClassifier):
    """A `BackboneClassifier` that learns from mixtures of the features of two images.

    For each batch one share is drawn from the Beta distribution of `ALPHA`, here the even one, and
    one partner for each image. Labels must be one-hot. Nothing is mixed after training.

    Reference:
        [Verma et al., 2019](https://arxiv.org/abs/1806.05236).
    """

    def __init__(self, *args: Any, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def relate(
        self, features: Tensor, images: Any, mask: Any = None, training: bool | None = None
    ) -> Tensor:
        """The features; in training their mixtures, with the shares beside them."""
        if not training:
            return features
        kept = keras.random.beta((), ALPHA, ALPHA, seed=self.seed_generator)
        numbers = ops.arange(ops.shape(features)[0])
        partners = keras.random.shuffle(numbers, seed=self.seed_generator)
        shares = mixup_shares(kept, partners)
        return with_shares(ops.matmul(shares, features), shares)

    def classify(self, related: Tensor, training: bool | None = None) -> Tensor:
        """Probabilities `(batch, classes)`, in training with shares."""
        if not training:
            return self.classifier(related)
        return classify_features(self.classifier, related)
