"""What is exported: a model's predictions under the names that they have in every format."""

from typing import Any

import keras
from keras import ops

from keras_rbi.export.options import OF_STEPS, ExportOptions
from keras_rbi.models.class_maps import class_maps
from keras_rbi.models.finite_pixels import finite_pixels
from keras_rbi.models.head_activation import head_activation
from keras_rbi.models.packing import pack
from keras_rbi.models.relational_classifier import RelationalClassifier
from keras_rbi.types import Tensor


class ServedImages(keras.Model):
    """From images `(batch, height, width, 3)` of 0..255 to predictions.

    Args:
        model: A classifier. One that gives logits gets a softmax.
        options: What to give for an image.

    Output shape:
        A dictionary of `probabilities`, float32 `(batch, classes)`, of `top_k_classes`, int32,
        and `top_k_probabilities`, float32, of shape `(batch, k)`, likeliest first, of `features`,
        `maps` and `attention`, as the options have them; as a tuple with `as_tuple=True`.
    """

    input_name = "images"

    def __init__(self, model: keras.Model, options: ExportOptions, as_tuple: bool = False) -> None:
        super().__init__(name="served")
        self.model = model
        self.options = options
        self.as_tuple = as_tuple

    @property
    def input_spec_to_export(self) -> keras.InputSpec:
        """Shape, dtype and name of the input."""
        shape = (None, *self.options.image_shape)
        return keras.InputSpec(shape=shape, dtype="float32", name=self.input_name)

    def probabilities(self, images: Tensor) -> Tensor:
        """Those of all classes."""
        return self._from_outputs(self.model(images, training=False))

    def call(self, images: Tensor) -> Any:
        more: dict[str, Tensor] = {}
        if set(OF_STEPS) & set(self.options.outputs):
            probabilities, more = self._with_outputs_of_steps(images)
        else:
            probabilities = self.probabilities(images)
        predictions = {}
        if "probabilities" in self.options.outputs:
            predictions["probabilities"] = probabilities
        if "top_k" in self.options.outputs:
            best, classes = ops.top_k(probabilities, self.options.top_k)
            predictions["top_k_classes"] = ops.cast(classes, "int32")
            predictions["top_k_probabilities"] = best
        predictions |= more
        return tuple(predictions.values()) if self.as_tuple else predictions

    def _with_outputs_of_steps(self, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Probabilities, and what else there is on the way to them."""
        model: Any = self.model
        more: dict[str, Tensor] = {}
        images = finite_pixels(images)
        maps = model.extract(model.preprocess(images, training=False), training=False)
        features = model.embed_maps(maps, training=False)
        related = model.relate(features, images, training=False)
        if "features" in self.options.outputs:
            decided_by = related if model.ends_in_one_classifier else pack(features)
            more["features"] = ops.cast(decided_by, "float32")
        if "maps" in self.options.outputs:
            more["maps"] = class_maps(model, maps, features, images)
        if "attention" in self.options.outputs:
            relations = model.encode_relations(images, training=False)
            weights = model.attention(features, relations).weights
            more["attention"] = ops.cast(weights, "float32")
            alone = model.classify(model.without_attention(features), training=False)
            more["probabilities_without_attention"] = self._from_outputs(alone)
        return self._from_outputs(model.classify(related, training=False)), more

    def _from_outputs(self, outputs: Tensor) -> Tensor:
        return ops.softmax(outputs) if head_activation(self.model) == "linear" else outputs


class ServedSets(ServedImages):
    """From sets `(sets, images, height, width, 3)` to predictions.

    The images of a set relate to each other and to no others: the relations of the paper for a
    server, which may merge requests and fill them up.

    Output shape:
        As that of `ServedImages` with a leading axis of sets.
    """

    input_name = "sets"
    model: RelationalClassifier

    @property
    def input_spec_to_export(self) -> keras.InputSpec:
        """Shape, dtype and name of the input."""
        shape = (None, None, *self.options.image_shape)
        return keras.InputSpec(shape=shape, dtype="float32", name=self.input_name)

    def probabilities(self, images: Tensor) -> Tensor:
        """Those of all classes, for each image of each set."""
        images = finite_pixels(images)
        each = ops.reshape(images, (-1, *self.options.image_shape))
        features = keras.tree.map_structure(
            lambda rows: ops.reshape(rows, (*ops.shape(images)[:2], rows.shape[-1])),
            self.model.embed(each, training=False),
        )
        related = self.model.relate(features, images, training=False)
        return self._from_outputs(self.model.classify(related, training=False))


def served(model: keras.Model, options: ExportOptions, as_tuple: bool = False) -> ServedImages:
    """The model to export where a format has one way in."""
    kind = ServedSets if options.inputs[0] == "sets" else ServedImages
    return kind(model, options, as_tuple)
