"""A model over the stages of a backbone, cut where its explanations need it."""

from typing import Any

import keras
from keras import ops

from keras_rbi.backbones.tap import Tap
from keras_rbi.explanations.model_parts import ModelParts
from keras_rbi.models.fine_grained_model import FineGrainedModel

Tensor = Any


class FineGrainedParts(ModelParts):
    """The parts of a model over stages, of which derived classes know the upper ones.

    Args:
        model: The model.
        stages: The part of it from prepared images to all stages.
        layer: As for `ModelParts`. Defaults to `None`, the last stage.
    """

    def __init__(self, model: FineGrainedModel, stages: keras.Model, layer: Any = None) -> None:
        self.model = model
        self.tap = Tap(model.backbone)
        self._last_block = None
        graph = self.tap.backbone
        place = self.tap.stages()[-1] if layer is None else self._place(layer)
        self._to_map = keras.Model(graph.input, place)
        # A model's output cannot be one of its inputs.
        ends = [keras.layers.Identity()(end) if end is place else end for end in stages.outputs]
        self._upper = keras.Model([graph.input, place], ends)
        prepare = model.preprocessing
        self._stem = None if prepare is None else keras.Model(model.input, prepare(model.input))

    def relations(self, images: Any) -> Tensor | None:
        """S of images in the mode that the model is in, or `None` without relations."""
        if self.model.rpe is None:
            return None
        return self.model.rpe(ops.convert_to_tensor(images), training=False)

    def integrated(
        self, features: Tensor, relations: Tensor | None, of: str, mask: Tensor | None
    ) -> Tensor:
        """Features that take in those of related images, if `of` is `"combined"`."""
        if relations is None or of != "combined":
            return features
        related = self.model.rra(features, relations, mask=mask, training=False)
        return self.model.get_layer("integration")(features, related)
