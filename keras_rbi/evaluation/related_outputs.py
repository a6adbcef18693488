"""Predictions in any batch composition, from features that were extracted once."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_rbi.evaluation.extract_features import ExtractedFeatures
from keras_rbi.layers.rpe import RPE
from keras_rbi.layers.rra import RRA

BATCH_SIZE = 32
IMAGES_AT_A_TIME = 128


class Compiled(keras.Model):
    """A function of layers, compiled as a model is."""

    def __init__(self, function: Callable[..., Any], *layers: keras.layers.Layer) -> None:
        # Features and relations come as float32, and the layers cast them as they need.
        super().__init__(dtype="float32")
        self.function = function
        self.parts = layers

    def call(self, inputs: Sequence[Any]) -> Any:
        return self.function(*inputs)


class RelatedOutputs:
    """Predictions of one model to extracted images, in any mode, batch size and order.

    Of batches of several sizes in one order, relations are computed once: those of a batch lie in
    the diagonal blocks of a larger batch's. They are the same numbers, to the bit for images of
    bytes. Layers of one's own, and relation groups, are run for each batch as they are.

    Args:
        extracted: What `extract_features` gives for a model with relations.
    """

    def __init__(self, extracted: ExtractedFeatures) -> None:
        model = extracted.model
        self._extracted = extracted
        self._in_blocks = all(
            type(layer) is kind and layer.group_size is None
            for layer, kind in ((model.rpe, RPE), (model.rra, RRA))
        )
        # A set of batches is related batch by batch, in whatever mode the layers are.
        self._relate = Compiled(lambda images: model.encode_relations(images), model)
        self._predict = Compiled(
            lambda features, relations, mask: model.classify(
                model.attend(
                    model.unpack(features), relations, ops.cast(mask, "bool"), training=False
                ),
                training=False,
            ),
            model,
        )

    def alone(self, relations: str) -> np.ndarray:
        """Predictions that no batch changes.

        Args:
            relations: `"self"` or `"references"`.

        Returns:
            float32 array of shape `(images, classes)`, in the data's order.
        """
        return self.each_batch(relations, BATCH_SIZE, np.arange(len(self._extracted)))

    def in_batches(self, sizes: Iterable[int], order: np.ndarray) -> dict[int, np.ndarray]:
        """Predictions in batches, with relations `"batch"`.

        Args:
            sizes: Batch sizes.
            order: Numbers of the images in the order in which batches are cut off; each once.

        Returns:
            For each size a float32 array of shape `(images, classes)`, in the data's order.
        """
        sizes = list(sizes)
        # A batch of more images than there are is one of all of them.
        found = self._in_batches({min(size, len(order)) for size in sizes}, order)
        return {size: found[min(size, len(order))] for size in sizes}

    def _in_batches(self, sizes: Collection[int], order: np.ndarray) -> dict[int, np.ndarray]:
        if not self._in_blocks:
            return {size: self.each_batch("batch", size, order) for size in sizes}
        predictions: dict[int, list[np.ndarray]] = {size: [] for size in sizes}
        for largest, members in shared_blocks(predictions).items():
            sets = max(1, IMAGES_AT_A_TIME // largest)
            step = sets * largest
            for begin in range(0, len(order), step):
                rows = order[begin : begin + step]
                for size, predicted in self._predict_sets(rows, sets, largest, members):
                    predictions[size].append(predicted)
        return {size: self._in_order(parts, order) for size, parts in predictions.items()}

    def _predict_sets(
        self, rows: np.ndarray, sets: int, largest: int, sizes: Sequence[int]
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Predictions for some consecutive batches of the largest size, cut up into each size.

        What is not there is filled and masked, so that the compiled functions see one shape.
        """
        assert self._extracted.features is not None
        count = sets * largest
        images = _filled(self._images(rows), count)
        images = images.reshape(sets, largest, *images.shape[1:])
        relations = np.asarray(self._relate.predict_on_batch([images]))
        features = _filled(self._extracted.features[rows], count)
        mask = (np.arange(count) < len(rows)).astype("float32")
        for size in sizes:
            predicted = self._predict.predict_on_batch(
                [
                    features.reshape(-1, size, features.shape[-1]),
                    diagonal_blocks(relations, size),
                    mask.reshape(-1, size),
                ]
            )
            yield size, np.asarray(predicted).reshape(count, -1)[: len(rows)]

    def each_batch(self, relations: str, size: int, order: np.ndarray) -> np.ndarray:
        """Predictions in any mode, with RPE, RRA and head run for each batch as in the model.

        Args:
            relations: `"self"`, `"batch"` or `"references"`.
            size: Integer, batch size.
            order: As in `in_batches`.

        Returns:
            float32 array of shape `(images, classes)`, in the data's order.
        """
        model, features = self._extracted.model, self._extracted.features
        assert features is not None
        with model.use_relations(relations):
            # A new model: a compiled function holds the mode it was traced with.
            head = Compiled(
                lambda images, features: model.classify(
                    model.relate(model.unpack(features), images, training=False), training=False
                ),
                model,
            )
            predictions = [
                np.asarray(head.predict_on_batch([self._images(rows), features[rows]]))
                for rows in (order[at : at + size] for at in range(0, len(order), size))
            ]
        return self._in_order(predictions, order)

    def _images(self, rows: np.ndarray) -> np.ndarray:
        assert self._extracted.images is not None
        return self._extracted.images[rows]

    @staticmethod
    def _in_order(parts: Sequence[np.ndarray], order: np.ndarray) -> np.ndarray:
        joined = np.concatenate(parts)
        outputs = np.empty_like(joined)
        outputs[order] = joined
        return outputs


def own_outputs(extracted: ExtractedFeatures, batch_size: int, order: np.ndarray) -> np.ndarray:
    """Predictions in the mode that a model is in, or those of a model without relations.

    Args:
        extracted: What `extract_features` gives.
        batch_size: Integer, of the batches, where the mode is `"batch"`.
        order: As in `RelatedOutputs.in_batches`, likewise.

    Returns:
        float32 array of shape `(images, classes)`, in the data's order.
    """
    if extracted.outputs is not None:
        return extracted.outputs
    related, mode = RelatedOutputs(extracted), extracted.model.relations
    if mode == "batch":
        return related.in_batches([batch_size], order)[batch_size]
    return related.alone(mode)


def shared_blocks(sizes: Iterable[int]) -> dict[int, list[int]]:
    """Batch sizes by the larger one whose relations hold theirs.

    Args:
        sizes: Batch sizes.

    Returns:
        For each size that divides no other, those that it is a multiple of, itself first.
    """
    blocks: dict[int, list[int]] = {}
    for size in sorted(set(sizes), reverse=True):
        largest = next((other for other in blocks if other % size == 0), size)
        blocks.setdefault(largest, []).append(size)
    return blocks


def diagonal_blocks(matrices: np.ndarray, size: int) -> np.ndarray:
    """The blocks on the diagonals of matrices, one after the other.

    Args:
        matrices: Array of shape `(sets, length, length)`.
        size: Integer, a divisor of the length.

    Returns:
        Array of shape `(sets * length / size, size, size)`.
    """
    sets, length, _ = matrices.shape
    blocks = np.arange(length // size)
    of_pairs = matrices.reshape(sets, len(blocks), size, len(blocks), size)
    # The axis of the blocks comes first where two index arrays stand apart.
    on_diagonal = of_pairs[:, blocks, :, blocks, :]
    return np.swapaxes(on_diagonal, 0, 1).reshape(-1, size, size)


def _filled(rows: np.ndarray, length: int) -> np.ndarray:
    filling = np.zeros((length - len(rows), *rows.shape[1:]), rows.dtype)
    return np.concatenate([rows, filling]) if len(filling) else rows
