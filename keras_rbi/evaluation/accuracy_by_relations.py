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

    The backbone runs once for each image; only RPE, RRA and the head run again for each mode.
    The order of the images is that of `test`: shuffle it, since in a class-sorted order the
    batch gives the label away.

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
    labels = test.labels
    if not isinstance(model, RBIModel):
        predictions = [_predict_classes(model, images) for images, _ in test]
        return [RelationsAccuracy("none", None, _accuracy(predictions, labels))]

    embeddings = model.rra.input[0]
    to_embeddings = keras.Model(model.input, embeddings)
    features = np.concatenate([to_embeddings.predict_on_batch(images) for images, _ in test])
    mode = model.relations
    rows = []
    try:
        for relations, batch_size in [("self", None), *(("batch", size) for size in batch_sizes)]:
            model.relations = relations
            # A new model each time: a compiled function holds the mode it was traced with.
            head = keras.Model([model.input, embeddings], model.output)
            predictions, begin = [], 0
            for images, _ in test.with_batch_size(batch_size or test.batch_size):
                end = begin + len(images)
                predictions.append(_predict_classes(head, [images, features[begin:end]]))
                begin = end
            rows.append(RelationsAccuracy(relations, batch_size, _accuracy(predictions, labels)))
    finally:
        model.relations = mode
    return rows


def _predict_classes(model: keras.Model, inputs: Any) -> np.ndarray:
    return np.argmax(model.predict_on_batch(inputs), axis=-1)


def _accuracy(predictions: list[np.ndarray], labels: np.ndarray) -> float:
    return float(np.mean(np.concatenate(predictions) == labels))
