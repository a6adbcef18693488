"""Accuracy of one model for several ways of relating test images."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np

from keras_rbi.datasets.image_sequence import ImageSequence
from keras_rbi.models.rbi_model import RBIModel

BATCH_SIZES = (1, 8, 32, 128)


@dataclass(frozen=True)
class RelationsAccuracy:
    """Top-1 accuracy, from 0 to 1, for one relations mode and test batch size."""

    relations: str
    batch_size: int | None
    accuracy: float

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON. A batch size of None: the answers do not depend on it."""
        return asdict(self)


def accuracy_by_relations(
    model: keras.Model, test: ImageSequence, batch_sizes: Sequence[int] = BATCH_SIZES
) -> list[RelationsAccuracy]:
    """Top-1 accuracy with relations "self", and "batch" at several test batch sizes.

    Where the model has references, also with "references". The backbone runs once for each image;
    only RPE, RRA and the head run again for each mode. The order of the images is that of `test`:
    shuffle it, since in a class-sorted order the batch gives the label away.

    Args:
        model: An `RBIModel`, or any other classifier, whose images do not relate: it is
            evaluated once.
        test: The test images.
        batch_sizes: Test batch sizes for relations "batch". Defaults to `(1, 8, 32, 128)`.

    Returns:
        A `RelationsAccuracy` for each mode and batch size. The model's own mode is left as it was.

    Example:

    >>> test = keras_rbi.datasets.typefaces.load("test", per_class=1)
    >>> backbone = keras_rbi.backbones.SmallCNN()
    >>> model = keras_rbi.RBIModel(backbone, class_names=test.class_names, embedding_dim=16)
    >>> rows = keras_rbi.evaluation.accuracy_by_relations(model, test, batch_sizes=(1, 8))
    >>> [(row.relations, row.batch_size) for row in rows]
    [('self', None), ('batch', 1), ('batch', 8)]
    """
    # Every image is to be counted, and once.
    test = test.with_batch_size(test.batch_size, last_batch="keep")
    if not isinstance(model, RBIModel):
        predictions = [_predict_classes(model, images) for images, _ in test]
        return [RelationsAccuracy("none", None, _accuracy(np.concatenate(predictions), test))]

    embeddings = embeddings_of(model, test)
    cases: list[tuple[str, int | None]] = [("self", None)]
    cases += [("batch", size) for size in batch_sizes]
    if model.references is not None:
        cases.append(("references", None))
    return [
        RelationsAccuracy(relations, size, _accuracy(predicted, test))
        for relations, size in cases
        for predicted in [predict_with_relations(model, test, embeddings, relations, size)]
    ]


def embeddings_of(model: RBIModel, test: ImageSequence) -> np.ndarray:
    """What the relations of a model are put on: the outputs of its layer `embedding`.

    Args:
        model: The model.
        test: The test images.

    Returns:
        Array of shape `(images, embedding_dim)`, in the order of the images.
    """
    to_embeddings = keras.Model(model.input, model.rra.input[0])
    return np.concatenate([to_embeddings.predict_on_batch(images) for images, _ in test])


def predict_with_relations(
    model: RBIModel,
    test: ImageSequence,
    embeddings: np.ndarray,
    relations: str,
    batch_size: int | None = None,
) -> np.ndarray:
    """The likeliest class of each test image, without running the backbone.

    Args:
        model: The model. Its own mode is left as it was.
        test: The test images.
        embeddings: Those of `embeddings_of`, or rows of them in the order of `test`.
        relations: The relations mode.
        batch_size: Test batch size, or `None` for that of `test`. Defaults to `None`.

    Returns:
        int64 array of shape `(images,)`.
    """
    mode = model.relations
    try:
        model.relations = relations
        if relations == "references":
            model.update_references()
        # A new model: a compiled function holds the mode it was traced with.
        head = keras.Model([model.input, model.rra.input[0]], model.output)
        predictions, begin = [], 0
        for images, _ in test.with_batch_size(batch_size or test.batch_size):
            end = begin + len(images)
            predictions.append(_predict_classes(head, [images, embeddings[begin:end]]))
            begin = end
        return np.concatenate(predictions)
    finally:
        model.relations = mode


def _predict_classes(model: keras.Model, inputs: Any) -> np.ndarray:
    return np.argmax(model.predict_on_batch(inputs), axis=-1)


def _accuracy(predictions: np.ndarray, test: ImageSequence) -> float:
    return float(np.mean(predictions == test.labels))
