"""Class activation maps that are right where the images of a batch relate to each other."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_rbi.explanations.class_activation import (
    at_image_size,
    class_activation,
)
from keras_rbi.explanations.methods import check_method
from keras_rbi.explanations.model_parts import ModelParts
from keras_rbi.explanations.score_gradients import own_gradients


def grad_cam(
    model: keras.Model,
    images: Any,
    classes: int | Sequence[int] | np.ndarray | None = None,
    layer: Any = None,
    of: str = "combined",
    method: str = "grad_cam",
    relations: str | None = None,
) -> np.ndarray:
    """Maps of what in each image speaks for a class.

    The map of image j comes from the gradient of its own score with respect to its own features,
    d score_j / d A_j. The gradient of the scores' sum, which is what is usually taken, holds
    d score_i / d A_j as well where images relate: what image j does to the others.

    Scores are logits, what the last layer computes before its activation.

    Args:
        model: An `RBIModel`; a `HERBS`, of which the logits of its combined features are
            explained; a `P2PNet`, of which the sum of its logits is; or a conventional model
            without relations: a functional model that ends in `Dense`, such as
            `keras_rbi.models.backbone_classifier` makes.
        images: Array `(batch, height, width, channels)` as the model takes it, 0..255: one batch.
        classes: Integer, the class to explain; or one for each image; or `None`, those that the
            model predicts in the given relations, whatever `of` is. Defaults to `None`.
        layer: Name of a layer of the backbone that gives a map or tokens, or a symbolic tensor in
            the backbone, such as one of
            `keras_rbi.backbones.FeatureExtractor(backbone).stages()`. Defaults to `None`, the last
            map; of a transformer of keras_hub whose class token is its prediction, the tokens
            before the last block; of HERBS and P2P-Net, the last stage.
        of: `"combined"`, the prediction that relations go into; or `"backbone"`, the backbone's
            features alone: the score with beta = 1 in eq. 13, where the head sees the image's
            own residual N W_S and nothing of the attention; of HERBS and P2P-Net, their features
            as they are without the branch that relates them. The same in a conventional model.
            Defaults to `"combined"`.
        method: `"grad_cam"`, `"hires_cam"` or `"layer_cam"`: see `docs/explanations.md`. Defaults
            to `"grad_cam"`.
        relations: `"batch"`, `"self"` or `"references"`, what images relate to. The model's own
            mode is left as it was. Defaults to `None`, the model's own.

    Returns:
        float32 array of shape `(batch, height, width)` at the size of the images, each map from 0
        to 1, its largest value; 0 everywhere where nothing speaks for the class.

    Raises:
        ValueError: If an argument is none of those above, or if the model has no map.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.RBIModel(backbone, num_classes=5, embedding_dim=16)
    >>> images = np.random.randint(0, 256, size=(4, 32, 32, 3)).astype("uint8")
    >>> keras_rbi.explanations.grad_cam(model, images, relations="batch").shape
    (4, 32, 32)
    """
    check_method(method)
    parts = ModelParts(model, layer)
    places, gradients = own_gradients(parts, images, classes, of, relations)
    return at_image_size(class_activation(places, gradients, method), *parts.image_sides)
