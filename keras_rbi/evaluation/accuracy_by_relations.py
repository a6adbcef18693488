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
    return [
        RelationsAccuracy(relations, size, right_of(outputs, extracted.labels))
        for relations, size, outputs in outputs_by_relations(extracted, batch_sizes)
    ]


def right_of(outputs: np.ndarray, labels: np.ndarray) -> float:
    """The share of images whose likeliest class is their own."""
    return float(np.mean(np.argmax(outputs, axis=-1) == labels))


def outputs_by_relations(
    extracted: ExtractedFeatures, batch_sizes: Sequence[int]
) -> list[tuple[str, int | None, np.ndarray]]:
    """Predictions with relations "self", "batch" at several test batch sizes, and "references".

    Args:
        extracted: What `extract_features` has made.
        batch_sizes: As in `accuracy_by_relations`.

    Returns:
        For each the mode, the batch size or `None` where it does not matter, and a float32 array
        of shape `(images, classes)`.
    """
    if extracted.outputs is not None:
        return [(relations_of(extracted.model), None, extracted.outputs)]
    related = RelatedOutputs(extracted)
    found: list[tuple[str, int | None, np.ndarray]] = [("self", None, related.alone("self"))]
    in_batches = related.in_batches(batch_sizes, np.arange(len(extracted)))
    found += [("batch", size, in_batches[size]) for size in batch_sizes]
    if extracted.model.references is not None:
        found.append(("references", None, related.alone("references")))
    return found
