"""Heads on known features, with known relations of their images."""

from typing import Any

import keras

from applications.paper.regimes.mixed_targets import MixedTargetsLoss
from keras_rbi.training.feature_head import Head


class RelatedHead(Head):
    """What stands on a backbone, as `Head`, but called with features and relations S."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """From `[features, relations]` to predictions; relations are left where none relate."""
        features, relations = inputs
        embedded = self.whole.embed_maps(features, training)
        if self.whole.rra is None:
            related = self.whole.relate(embedded, None, training=training)
        else:
            related = self.whole.attend(embedded, relations, training=training)
        return self.whole.classify(related, training)


class MixedHead(MixedTargetsLoss, RelatedHead):
    """The same of a model whose labels are mixed as its features are."""


def related_head(whole: keras.Model) -> RelatedHead:
    """The head of a model, with its loss."""
    return (MixedHead if isinstance(whole, MixedTargetsLoss) else RelatedHead)(whole)
