"""Which images of a batch moved the prediction of another, and where in them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from keras_rbi._deprecation import moved_attribute
from keras_rbi.explanations.class_activation import (
    at_image_size,
    class_activation,
)
from keras_rbi.explanations.gradients import pullback
from keras_rbi.explanations.methods import check_method
from keras_rbi.explanations.model_parts import ModelParts
from keras_rbi.explanations.relation_matrix import across_groups, check_batch
from keras_rbi.explanations.score_gradients import one_hot, only
from keras_rbi.models.relational_classifier import RelationalClassifier
from keras_rbi.models.relations import check_attention


@dataclass(frozen=True)
class Influence:
    """What the images of a batch do to the score of one of them, the target.

    Attributes:
        target: Number of the target in the batch.
        class_number: The class whose score is explained.
        score: The target's logit for the class, with its batch.
        score_alone: The same where the target relates to itself alone.
        attention: A's column of the target, shape `(batch,)`: the weight of each image in it.
        effects: The score with all images less that without this one, shape `(batch,)`: above 0
            if the image raised the score. The target's own is not a number.
        sources: Numbers of the images with the largest effects, up or down, the largest first.
        directions: 1 for each of those whose features, on the whole, speak for the target's class
            in the target's score, -1 if they speak against it, shape `(sources,)`. The effect can
            have another sign: an image also takes weight from the others.
        maps: Where in each of those the features of that direction are, shape
            `(sources, height, width)`, 0 to 1.
        target_map: What in the target itself speaks for the class, `(height, width)`, 0 to 1.
    """

    target: int
    class_number: int
    score: float
    score_alone: float
    attention: np.ndarray
    effects: np.ndarray
    sources: np.ndarray
    directions: np.ndarray
    maps: np.ndarray
    target_map: np.ndarray

    @property
    def mates(self) -> np.ndarray:
        """Deprecated name of `sources`."""
        return moved_attribute(self, "mates", "sources")


def influence(
    model: RelationalClassifier,
    images: Any,
    target: int,
    top: int = 3,
    class_number: int | None = None,
    layer: Any = None,
    method: str = "grad_cam",
) -> Influence:
    """Finds which other samples of the batch moved an image's prediction, and where in them.

    The images relate to their batch whatever `model.relations` is, which is left as it was. An
    image is left out as a source and as nothing else: those of its relation group stay together.

    The map of source i is a class activation map of its features A_i for the target's score:
    of the gradient d score_target / d A_i. Of this and the map of the gradient with its sign
    turned, what speaks against the class, the one with the larger sum is given: see `directions`.

    Args:
        model: A model whose attention is `RRA`, such as an `RBIModel`.
        images: Array `(batch, height, width, channels)` as the model takes it, 0..255: one batch of
            at least two images.
        target: Integer, number of an image in the batch.
        top: Integer, how many sources to draw maps of. Defaults to `3`.
        class_number: Integer, or `None` for the class that the model predicts for the target in
            this batch. Defaults to `None`.
        layer: As in `grad_cam`. Defaults to `None`.
        method: As in `grad_cam`. Defaults to `"grad_cam"`.

    Returns:
        An `Influence`; `plot_influence` draws it.

    Raises:
        ValueError: If an argument is out of its range, or if the model has no attention to look
            into.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.RBIModel(backbone, num_classes=5, embedding_dim=16)
    >>> images = np.random.randint(0, 256, size=(4, 32, 32, 3)).astype("uint8")
    >>> found = keras_rbi.explanations.influence(model, images, target=1, top=2)
    >>> found.attention.shape, found.sources.shape, found.maps.shape
    ((4,), (2,), (2, 32, 32))
    """
    check_attention(model)
    check_method(method)
    check_batch(images)
    count = len(images)
    if not 0 <= target < count:
        raise ValueError(
            f"`target` must be the number of an image, 0 to {count - 1}. Received: target={target}."
        )
    if not 1 <= top < count:
        raise ValueError(
            f"`top` must be 1 to {count - 1}, the number of the other images. Received: top={top}."
        )
    parts = ModelParts(model, layer)
    prepared, places = parts.to_map(images)
    features, to_places = pullback(lambda tensor: parts.to_features(prepared, tensor), places)
    with model.use_relations("batch"):
        relations = parts.relations(images)
        scores, to_features = pullback(
            lambda tensor: parts.scores(tensor, relations, "combined"), features
        )
        tensor = ops.convert_to_tensor(features)
        weights = model.attention(model.unpack(tensor), relations).weights
        attention = across_groups(np.asarray(ops.convert_to_numpy(weights), "float32"))[:, target]
        if class_number is None:
            class_number = int(parts.predicted_classes(features, relations)[target])
        chosen = only(one_hot(class_number, *scores.shape), target)
        effects = np.full(count, np.nan, "float32")
        score = float(scores[target, class_number])
        for source in range(count):
            if source != target:
                others = ops.convert_to_tensor(np.arange(count) != source)
                without = parts.scores(tensor, relations, "combined", others)
                effects[source] = score - float(ops.convert_to_numpy(without[target, class_number]))
        gradients = to_places(to_features(chosen))
    with model.use_relations("self"):
        alone = parts.scores(tensor, parts.relations(images), "combined")
        score_alone = float(ops.convert_to_numpy(alone[target, class_number]))

    sources = np.argsort(-np.nan_to_num(np.abs(effects), nan=-1.0), kind="stable")[:top]
    drawn = np.append(sources, target)
    features_of, slopes_of = parts.as_map(places)[drawn], parts.as_map(gradients)[drawn]
    towards, against = (
        class_activation(features_of, sign * slopes_of, method) for sign in (1.0, -1.0)
    )
    directions = np.where(towards.sum((1, 2)) >= against.sum((1, 2)), 1, -1)
    # The target's own map is what grad_cam gives.
    directions[-1] = 1
    maps = np.where(directions[:, None, None] > 0, towards, against)
    maps = at_image_size(maps, *parts.image_sides)
    return Influence(
        target=target,
        class_number=class_number,
        score=score,
        score_alone=score_alone,
        attention=attention,
        effects=effects,
        sources=sources,
        directions=directions[:-1],
        maps=maps[:-1],
        target_map=maps[-1],
    )
