"""Accuracy of one model for several ways of relating test images."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np

from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.evaluation.extract_features import ExtractedFeatures, extract_features
from keras_rbi.evaluation.related_outputs import RelatedOutputs
from keras_rbi.models.keras_classifier import relations_of

BATCH_SIZES = (1, 8, 32, 128)


@dataclass(frozen=True)
class RelationsAccuracy:
    """Top-1 accuracy, from 0 to 1, for one relations mode and test batch size."""

    relations: str
    batch_size: int | None
    accuracy: float

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON. A batch size of None: the predictions do not depend on it."""
        return asdict(self)


def accuracy_by_relations(
    model: keras.Model, test: ImageSequence, batch_sizes: Sequence[int] = BATCH_SIZES
) -> list[RelationsAccuracy]:
    """Top-1 accuracy with relations "self", and "batch" at several test batch sizes.

    Where the model has references, also with "references". The backbone runs once for each image;
    only RPE, RRA and the head run again for each mode. The order of the images is that of `test`:
    shuffle it, since in a class-sorted order the batch gives the label away. `evaluate_protocol`
    measures several orders, and more than accuracy.

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
    return accuracies_of(extract_features(model, test), batch_sizes)


def accuracies_of(
    extracted: ExtractedFeatures, batch_sizes: Sequence[int]
) -> list[RelationsAccuracy]:
    """As `accuracy_by_relations`, of what `extract_features` has made."""

    def row(relations: str, size: int | None, outputs: np.ndarray) -> RelationsAccuracy:
        right = np.argmax(outputs, axis=-1) == extracted.labels
        return RelationsAccuracy(relations, size, float(np.mean(right)))

    if extracted.outputs is not None:
        return [row(relations_of(extracted.model), None, extracted.outputs)]
    related = RelatedOutputs(extracted)
    rows = [row("self", None, related.alone("self"))]
    in_batches = related.in_batches(batch_sizes, np.arange(len(extracted)))
    rows += [row("batch", size, in_batches[size]) for size in batch_sizes]
    if extracted.model.references is not None:
        rows.append(row("references", None, related.alone("references")))
    return rows
