"""Feature extraction: one pass of the backbone over test images, for all later measurements."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.evaluation.kept_images import KeptImages
from keras_rbi.models.batches import (
    batches_of,
    batches_of_arrays,
    images_of,
    labels_of,
    to_numpy,
)
from keras_rbi.models.keras_classifier import relations_of
from keras_rbi.models.references.reference_selection import class_numbers

MEND = "Pass images and labels as a pair of arrays."

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ExtractedFeatures:
    """A model, and what it makes of each test image before images relate, in the data's order.

    Attributes:
        model: The model.
        labels: int64 array of shape `(images,)`.
        images: The images, for RPE; `None` of a model without relations unless asked for.
        features: Feature vectors before they relate, shape `(images, features)`; `None` of a
            model without relations.
        outputs: Predictions of a model without relations, shape `(images, classes)`, or `None`.
    """

    model: keras.Model
    labels: np.ndarray
    images: KeptImages | None = None
    features: np.ndarray | None = None
    outputs: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)


def extract_features(
    model: keras.Model,
    data: Any,
    keep_images: bool = False,
    progress: Progress = lambda *_: None,
) -> ExtractedFeatures:
    """Runs the backbone once for each image.

    Args:
        model: A model of `keras_rbi.models`, or any other classifier, whose images do not relate.
        data: An `ImageSequence`; a pair of arrays `(images, labels)`; or a `tf.data.Dataset`,
            `keras.utils.PyDataset` or torch `DataLoader` of batches `(images, labels)`. Labels are
            integers or one-hot rows. Images with a sample weight of 0 are left out.
        keep_images: Boolean, whether to keep the images of a model without relations too. Defaults
            to `False`.
        progress: Called with an empty name and the numbers of done and of all batches, 0 where
            that is not known. Defaults to nothing.

    Returns:
        An `ExtractedFeatures`.

    Raises:
        ValueError: If the data is endless or empty, or if its labels are not the model's classes.
    """
    relates = relations_of(model) != "none"
    network = model.feature_model() if relates else model
    kept, labels, rows = KeptImages(), [], []
    total = len(data) if hasattr(data, "__len__") and not isinstance(data, tuple) else 0
    for done, batch in enumerate(batches_once(data), start=1):
        use = _rows_in_use(batch)
        labels.append(class_numbers(labels_of(batch), model.output_shape[-1])[use])
        rows.append(np.asarray(network.predict_on_batch(images_of(batch)), "float32")[use])
        if relates or keep_images:
            kept.add(to_numpy(images_of(batch))[use])
        progress("", done, total)
    if not labels:
        raise ValueError("There are no test images: the data has no batch.")
    joined = np.concatenate(rows)
    if relates:
        return ExtractedFeatures(model, np.concatenate(labels), kept, features=joined)
    return ExtractedFeatures(
        model, np.concatenate(labels), kept if keep_images else None, outputs=joined
    )


def batches_once(data: Any) -> Iterator[Any]:
    """Batches `(images, labels)` of test data, every image once."""
    if isinstance(data, ImageSequence):
        # None of the images that a last batch lacks or repeats.
        return iter(data.with_batch_size(data.batch_size, last_batch="keep"))
    if isinstance(data, tuple) and len(data) == 2 and hasattr(data[0], "shape"):
        return batches_of_arrays(*data)
    return iter(batches_of(data, MEND))


def _rows_in_use(batch: Any) -> Any:
    if len(batch) < 3:
        return slice(None)
    return to_numpy(batch[2]).reshape(-1) > 0
