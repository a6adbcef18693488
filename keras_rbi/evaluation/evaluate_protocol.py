"""Evaluation over batch sizes and orders of the test images."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_rbi.checks import positive_integer
from keras_rbi.evaluation.classification_scores import ClassificationScores, classification_scores
from keras_rbi.evaluation.extract_features import ExtractedFeatures, extract_features
from keras_rbi.evaluation.protocol import ANY, SHUFFLED, SORTED, EvaluationProtocol, ProtocolRow
from keras_rbi.evaluation.related_outputs import RelatedOutputs
from keras_rbi.models.head_activation import head_activation
from keras_rbi.models.keras_classifier import relations_of
from keras_rbi.models.relations import NO_REFERENCES

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
MODES = ("self", "batch", "references")


def evaluate_protocol(
    model: keras.Model,
    data: Any,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    orders: int | Sequence[int] = 5,
    relations: str | Sequence[str] | None = None,
) -> EvaluationProtocol:
    """Scores of a model for each relations mode, test batch size and order of the test images.

    Where images relate to their batch, predictions depend on its size and on who is in it: in a
    class-sorted order a batch gives the label away. So each batch size is measured in several
    shuffled orders, and in the class-sorted one beside them. The backbone runs once for each
    image; only RPE, RRA and the head run again.

    Predictions become probabilities by the activation of the model's last layer, as in
    `keras_rbi.evaluation.probabilities_of`: logits by their softmax, sigmoids by their shares.

    Args:
        model: A model of `keras_rbi.models`, or any other classifier, whose images do not relate,
            which has one row. Its own relations mode is left as it was.
        data: An `ImageSequence`; a pair of arrays `(images, labels)`; or a `tf.data.Dataset`,
            `keras.utils.PyDataset` or torch `DataLoader` of batches `(images, labels)`. Labels are
            integers or one-hot rows. Images with a sample weight of 0 are left out.
        batch_sizes: Test batch sizes for relations "batch". Defaults to
            `(1, 2, 4, 8, 16, 32, 64, 128)`.
        orders: The seeds of the shuffled orders, or their number: 5 is the seeds 0 to 4. Defaults
            to `5`.
        relations: One or several of `"self"`, `"batch"` and `"references"`. Defaults to `None`:
            all that the model can do.

    Returns:
        An `EvaluationProtocol`.

    Raises:
        ValueError: If the data is endless or empty, if its labels are not the model's classes, if
            an argument is out of its range, or if the model's predictions are neither probabilities
            nor logits nor sigmoids.

    Example:

    >>> test = keras_rbi.datasets.typefaces.load("test", per_class=1, image_size=16)
    >>> backbone = keras_rbi.backbones.SmallCNN((16, 16, 3))
    >>> model = keras_rbi.RBIModel(backbone, class_names=test.class_names, embedding_dim=16)
    >>> found = keras_rbi.evaluation.evaluate_protocol(model, test, batch_sizes=(8,), orders=2)
    >>> [(row.relations, row.batch_size, row.order, row.orders) for row in found.rows]
    [('self', None, 'any', 0), ('batch', 8, 'shuffled', 2), ('batch', 8, 'sorted by class', 1)]
    """
    seeds = seeds_of(orders)
    sizes = [positive_integer("batch_sizes", size) for size in dict.fromkeys(batch_sizes)]
    modes = (relations,) if isinstance(relations, str) else relations
    _check_modes(model, modes)
    return protocol_of(extract_features(model, data), sizes, seeds, modes)


def protocol_of(
    extracted: ExtractedFeatures,
    batch_sizes: Sequence[int],
    seeds: Sequence[int],
    relations: Sequence[str] | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> EvaluationProtocol:
    """As `evaluate_protocol`, of what `extract_features` has made."""
    labels = extracted.labels
    activation = head_activation(extracted.model)

    def scores(outputs: np.ndarray) -> ClassificationScores:
        return classification_scores(outputs, labels, activation)

    rows = []
    if extracted.outputs is not None:
        rows.append(_row(relations_of(extracted.model), None, ANY, [scores(extracted.outputs)]))
    else:
        related = RelatedOutputs(extracted)
        if relations is None:
            relations = MODES if extracted.model.references is not None else MODES[:2]
        for mode in MODES:
            if mode not in relations:
                continue
            if mode != "batch":
                rows.append(_row(mode, None, ANY, [scores(related.alone(mode))]))
                continue
            shuffled = []
            for done, seed in enumerate(seeds):
                order = shuffled_order(len(labels), seed)
                progress("", done, len(seeds) + 1)
                shuffled.append(related.in_batches(batch_sizes, order))
            in_sorted = related.in_batches(batch_sizes, np.argsort(labels, kind="stable"))
            progress("", len(seeds) + 1, len(seeds) + 1)
            for size in batch_sizes:
                of_orders = [scores(predictions[size]) for predictions in shuffled]
                rows.append(_row(mode, size, SHUFFLED, of_orders))
                rows.append(_row(mode, size, SORTED, [scores(in_sorted[size])]))
    return EvaluationProtocol(tuple(rows), len(labels), tuple(seeds))


def seeds_of(orders: int | Sequence[int]) -> list[int]:
    """The seeds of shuffled orders.

    Args:
        orders: Their number, or the seeds themselves.

    Returns:
        The seeds.

    Raises:
        ValueError: If there is none.
    """
    if isinstance(orders, Sequence) and not isinstance(orders, str) and len(orders) > 0:
        return [int(seed) for seed in orders]
    return list(range(positive_integer("orders", orders)))


def shuffled_order(count: int, seed: int) -> np.ndarray:
    """The shuffled order of so many images that a seed gives."""
    return np.random.default_rng(seed).permutation(count)


def _row(
    relations: str, size: int | None, order: str, scores: Sequence[ClassificationScores]
) -> ProtocolRow:
    values = np.array([list(score.as_dict().values()) for score in scores])
    means = values.mean(0).tolist()
    deviations = values.std(0, ddof=1).tolist() if len(scores) > 1 else [None] * values.shape[1]
    pairs = [value for pair in zip(means, deviations, strict=True) for value in pair]
    return ProtocolRow(relations, size, order, len(scores) if size else 0, *pairs)


def _check_modes(model: keras.Model, modes: Sequence[str] | None) -> None:
    for mode in modes or ():
        if mode not in MODES:
            raise ValueError(
                f"`relations` must be of {', '.join(map(repr, MODES))}. Received: {mode!r}."
            )
        if mode == "references" and getattr(model, "references", 0) is None:
            raise ValueError(NO_REFERENCES)
