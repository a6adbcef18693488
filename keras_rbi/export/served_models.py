"""What is exported: a model's predictions under the names that they have in every format."""

import math
from collections.abc import Sequence
from itertools import pairwise
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

# As in `keras_rbi.evaluation.observation_probabilities`.
LEAST_PROBABILITY = 1e-7


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
    # Names of the open axes that come first.
    input_axes: tuple[str, ...] = ("batch",)
    output_axes: tuple[str, ...] = ("batch",)

    def __init__(self, model: keras.Model, options: ExportOptions, as_tuple: bool = False) -> None:
        super().__init__(name="served")
        self.model = model
        self.options = options
        self.as_tuple = as_tuple

    @property
    def input_spec_to_export(self) -> keras.InputSpec:
        """Shape, dtype and name of the input."""
        shape = (*[None] * len(self.input_axes), *self.options.image_shape)
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
    input_axes = ("sets", "images")
    output_axes: tuple[str, ...] = ("sets", "images")
    model: RelationalClassifier

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


class ServedObservations(ServedSets):
    """From observations `(observations, images, height, width, 3)` to one prediction each.

    p ∝ exp(mean log p(image) / T), as `keras_rbi.evaluation.observation_probabilities`, with the
    temperature T of the number of images. With relations `"batch"` the images of an observation
    relate to each other, else each is predicted as it is by itself.

    Output shape:
        As that of `ServedImages`, with observations for the batch.
    """

    input_name = "observations"
    input_axes = ("observations", "images")
    output_axes = ("observations",)

    def probabilities(self, images: Tensor) -> Tensor:
        """Those of all classes, for each observation."""
        if self.options.relations == "batch":
            each = super().probabilities(images)
        else:
            rows = ops.reshape(images, (-1, *self.options.image_shape))
            outputs = ServedImages.probabilities(self, rows)
            each = ops.reshape(outputs, (*ops.shape(images)[:2], outputs.shape[-1]))
        each = ops.clip(ops.cast(each, "float32"), LEAST_PROBABILITY, 1.0)
        means = ops.mean(ops.log(each), axis=1)
        counts = ops.sum(ops.ones_like(each[..., 0]), axis=1, keepdims=True)
        return ops.softmax(means / _temperature(counts, self.options.observation_temperatures))


def _temperature(counts: Tensor, known: Sequence[Sequence[float]]) -> Tensor:
    """Along lines over the logarithm of the number of images, level beyond the known numbers."""
    if not known:
        return ops.ones_like(counts)
    places, values = [math.log(count) for count, _ in known], [value for _, value in known]
    temperature = ops.full_like(counts, values[0])
    for (left, right), (before, after) in zip(pairwise(places), pairwise(values), strict=True):
        share = (ops.clip(ops.log(counts), left, right) - left) / (right - left)
        temperature = temperature + (after - before) * share
    return temperature


SERVED: dict[str, type[ServedImages]] = {
    kind.input_name: kind for kind in (ServedImages, ServedSets, ServedObservations)
}


def served(model: keras.Model, options: ExportOptions, as_tuple: bool = False) -> ServedImages:
    """The model to export where a format has one way in."""
    return SERVED[options.inputs[0]](model, options, as_tuple)
