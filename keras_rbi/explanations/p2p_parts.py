"""P2P-Net cut in three: up to a map, from there to the rows of its stages, and its classifiers."""

from typing import Any

from keras import ops

from keras_rbi.explanations.fine_grained_parts import FineGrainedParts
from keras_rbi.models.p2p_net.p2p_net import P2PNet, classified

Tensor = Any


class P2PParts(FineGrainedParts):
    """The parts of P2P-Net that explanations of the sum of its four logits are made of.

    The features are the rows of all stages side by side.

    Args:
        model: A `P2PNet`.
        layer: As for `ModelParts`. Defaults to `None`, the last stage.
    """

    def __init__(self, model: P2PNet, layer: Any = None) -> None:
        super().__init__(model, model.stages, layer)

    def to_features(self, prepared: Tensor, places: Tensor) -> Tensor:
        """Rows of all stages from the map.

        Args:
            prepared: The images as `to_map` gives them, for the other stages.
            places: The map or the tokens.

        Returns:
            Tensor of shape `(batch, features)`.
        """
        maps = self._upper([self._packed(prepared), places], training=False)
        rows = [
            embed(of_stage, training=False)
            for embed, of_stage in zip(self.model.stage_embeddings, maps, strict=True)
        ]
        return ops.concatenate(rows, axis=1)

    def scores(
        self, features: Tensor, relations: Tensor | None, of: str, mask: Tensor | None = None
    ) -> Tensor:
        """The sum of the logits of each stage and of all together.

        Args:
            features: The rows side by side, tensor of shape `(batch, features)`.
            relations: S of the images, or `None` in a model without relations.
            of: `"combined"`, or `"backbone"` for the rows as they are.
            mask: Images that may be sources, shape `(batch,)`. Defaults to `None`, all.

        Returns:
            Tensor of shape `(batch, classes)`.
        """
        rows = ops.split(features, len(self.model.stage_embeddings), axis=1)
        rows[-1] = self.integrated(rows[-1], relations, of, mask)
        return sum(classified(self.model.classifiers, rows, training=False))
