"""Gradients of scores with respect to maps in models whose images relate to each other."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_rbi.explanations.gradients import pullback
from keras_rbi.explanations.model_parts import ModelParts

OF = ("combined", "backbone")


def own_gradients(
    parts: ModelParts,
    images: Any,
    classes: int | Sequence[int] | np.ndarray | None,
    of: str,
    mode: str | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Maps A of images, and d score_j / d A_j of each.

    The backbone treats its images one by one. So the head alone is gone through backwards once for
    each image, which gives d score_j / d n_j of its features n_j, and the rest once for all.

    Args:
        parts: The model's parts.
        images: One batch.
        classes: As in `grad_cam`.
        of: As in `grad_cam`.
        mode: The relations, as in `grad_cam`.

    Returns:
        Two float32 arrays of shape `(batch, height, width, channels)`.

    Raises:
        ValueError: If an argument is none of those that `grad_cam` takes.
    """
    if of not in OF:
        raise ValueError(f"`of` must be 'combined' or 'backbone'. Received: of={of!r}.")
    with parts.model.use_relations(mode) as relations_mode:
        prepared, places = parts.to_map(images)
        features, to_places = pullback(lambda tensor: parts.to_features(prepared, tensor), places)
        relations = parts.relations(images)
        scores, to_features = pullback(lambda tensor: parts.scores(tensor, relations, of), features)
        if classes is None:
            classes = parts.predicted_classes(features, relations)
        chosen = one_hot(classes, *scores.shape)
        if of == "combined" and relations_mode == "batch":
            cotangents = np.stack([to_features(only(chosen, j))[j] for j in range(len(chosen))])
        else:
            cotangents = to_features(chosen)
        gradients = to_places(cotangents)
    return parts.as_map(places), parts.as_map(gradients)


def one_hot(classes: Any, batch: int, num_classes: int) -> np.ndarray:
    """The scores to explain, as 1 in an array of 0.

    Args:
        classes: One class, or one for each image.
        batch: Number of images.
        num_classes: Number of classes.

    Returns:
        float32 array of shape `(batch, num_classes)`.

    Raises:
        ValueError: If there is no such class, or if there are not as many as images.
    """
    numbers = np.asarray(classes)
    fits = numbers.shape in ((), (batch,)) and np.issubdtype(numbers.dtype, np.integer)
    if not fits or numbers.min() < 0 or numbers.max() >= num_classes:
        raise ValueError(
            f"`classes` must be an integer from 0 to {num_classes - 1}, or one for each of the "
            f"{batch} images. Received: classes={classes!r}."
        )
    return np.eye(num_classes, dtype="float32")[np.broadcast_to(numbers, (batch,))]


def only(chosen: np.ndarray, row: int) -> np.ndarray:
    """The same with 0 in all other rows."""
    alone = np.zeros_like(chosen)
    alone[row] = chosen[row]
    return alone
