"""HERBS cut in three: up to a map, from there to the combined features, and their classifier."""

from typing import Any

import keras
from keras import ops

from keras_rbi.backbones.tap import Tap
from keras_rbi.models.herbs import HERBS
from keras_rbi.visualization.model_parts import ModelParts, without_activation

Tensor = Any


class HERBSParts(ModelParts):
    """The parts of HERBS that explanations of its combined logits are made of.

    The features are the combined ones, v. The eight other logits are not looked at: they stand on
    the same stages, and relations change nothing of them.

    Args:
        model: A `HERBS`.
        layer: As for `ModelParts`. Defaults to `None`, the last stage.
    """

    def __init__(self, model: HERBS, layer: Any = None) -> None:
        self.model = model
        self.tap = Tap(model.backbone)
        self._last_block = None
        stages, graph = model.get_layer("stages"), self.tap.backbone
        place = self.tap.stages()[-1] if layer is None else self._place(layer)
        self._to_map = keras.Model(graph.input, place)
        self._upper = keras.Model([graph.input, place], stages.outputs)
        operations = list(model.operations)
        entry = operations[operations.index(stages) - 1].output
        self._stem = None if entry is model.inputs[0] else keras.Model(model.input, entry)
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
        if relations is not None and of == "combined":
            related = self.model.rra(features, relations, mask=mask, training=False)
            features = self.model.get_layer("integration")(features, related)
        return without_activation(self.model.get_layer("classifier"), features)

    def relations(self, images: Any) -> Tensor | None:
        """S of images in the mode that the model is in, or `None` without relations."""
        if self.model.rpe is None:
            return None
        return self.model.rpe(ops.convert_to_tensor(images), training=False)


def parts_of(model: keras.Model, layer: Any = None) -> ModelParts:
    """The parts of any classifier that can be explained.

    Args:
        model: A `HERBS`, or a model that `ModelParts` takes.
        layer: As for `ModelParts`. Defaults to `None`.

    Returns:
        Its parts.
    """
    return HERBSParts(model, layer) if isinstance(model, HERBS) else ModelParts(model, layer)
