"""HERBS cut in three: up to a map, from there to the combined features, and their classifier."""

from typing import Any

import keras

from keras_rbi.explanations.fine_grained_parts import FineGrainedParts
from keras_rbi.explanations.model_parts import without_activation
from keras_rbi.models.herbs.herbs import HERBS

Tensor = Any


class HERBSParts(FineGrainedParts):
    """The parts of HERBS that explanations of its combined logits are made of.

    The features are the combined ones, v. The eight other logits are not looked at: they stand on
    the same stages, and relations change nothing of them.

    Args:
        model: A `HERBS`.
        layer: As for `ModelParts`. Defaults to `None`, the last stage.
    """

    def __init__(self, model: HERBS, layer: Any = None) -> None:
        super().__init__(model, model.get_layer("stages"), layer)
        self._rest = keras.Model(
            model.get_layer("pyramid").input, model.get_layer("combiner").output
        )

    def scores(
        self, features: Tensor, relations: Tensor | None, of: str, mask: Tensor | None = None
    ) -> Tensor:
        """Logits of the combined features.

        Args:
            features: v, tensor of shape `(batch, units)`.
            relations: S of the images, or `None` in a model without relations.
            of: `"combined"`, or `"backbone"` for v as it is.
            mask: Images that may be sources, shape `(batch,)`. Defaults to `None`, all.

        Returns:
            Tensor of shape `(batch, classes)`.
        """
        features = self.integrated(features, relations, of, mask)
        return without_activation(self.model.get_layer("classifier"), features)
