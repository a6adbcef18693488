"""Batches of whatever data `fit` takes, one after the other."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

BATCH_SIZE = 32
IMAGES, MASK = "images", "mask"
NO_BATCH = "The training data is empty: it has no batch to read labels from."


def batches_of(x: Any, mend: str) -> Iterator[Any]:
    """The batches of a data set, once.

    Args:
        x: A `tf.data.Dataset`, a `keras.utils.PyDataset`, a torch `DataLoader`, or anything else
            that can be gone through more than once.
        mend: What to do where this cannot be done, for the errors.

    Returns:
        Iterator over the batches.

    Raises:
        ValueError: If the data is endless, or if reading it would use it up.
    """
    if isinstance(x, keras.utils.PyDataset):
        count = x.num_batches
        if count is None:
            raise ValueError(f"The data set is endless and cannot be gone through. {mend}")
        return (x[index] for index in range(count))
    if not hasattr(x, "__iter__") or iter(x) is x:
        raise ValueError(
            "This data cannot be gone through without using it up. Received: "
            f"{type(x).__name__}. {mend}"
        )
    if hasattr(x, "cardinality") and int(x.cardinality()) == -1:
        raise ValueError(f"The data set is endless and cannot be gone through. {mend}")
    return iter(x)


def first_batch(x: Any) -> tuple[Any, Any]:
    """The first batch of data that may be endless or a generator.

    Args:
        x: What `fit` takes, but arrays.

    Returns:
        The batch, and data that begins with it again: `x` itself, but for a generator.

    Raises:
        ValueError: If there is no batch.
    """
    if isinstance(x, keras.utils.PyDataset):
        if x.num_batches == 0:
            raise ValueError(NO_BATCH)
        return x[0], x
    if not hasattr(x, "__iter__"):
        raise ValueError(f"This data has no batches. Received: {type(x).__name__}.")
    batches = iter(x)
    try:
        first = next(batches)
    except StopIteration:
        raise ValueError(NO_BATCH) from None
    if batches is not x:
        return first, x

    def from_the_first() -> Iterator[Any]:
        yield first
        yield from batches

    return first, from_the_first()


def images_and_mask(inputs: dict[str, Any]) -> tuple[Any, Any]:
    """The parts of what a model is called with where a batch has rows of padding.

    Args:
        inputs: A dictionary of `images` and `mask`.

    Returns:
        The two.

    Raises:
        ValueError: If the dictionary has other entries.
    """
    if set(inputs) != {IMAGES, MASK}:
        raise ValueError(
            f"A batch with padding is a dictionary of {IMAGES!r}, (batch, height, width, 3), and "
            f"{MASK!r}, (batch,), true for real images. Received: one of "
            f"{sorted(map(str, inputs))}."
        )
    return inputs[IMAGES], inputs[MASK]


def images_of(batch: Any) -> Any:
    """Images of a batch `(images, labels)`, padding included."""
    return images_and_mask(batch[0])[0] if isinstance(batch[0], dict) else batch[0]


def labels_of(batch: Any) -> np.ndarray:
    """Labels of a batch `(images, labels)`.

    Args:
        batch: What a data set gives.

    Returns:
        The labels as they are.

    Raises:
        ValueError: If the batch has none.
    """
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        raise ValueError(
            "The data must come in batches (images, labels). Received: a batch of type "
            f"{type(batch).__name__}"
            + (f" and length {len(batch)}." if hasattr(batch, "__len__") else ".")
        )
    return to_numpy(batch[1])


def batches_of_arrays(images: Any, labels: Any) -> Iterator[tuple[Any, Any]]:
    """Arrays as batches `(images, labels)`.

    Args:
        images: Array or tensor of images.
        labels: As many labels.

    Returns:
        Iterator over the batches.

    Raises:
        ValueError: If there are more of the ones than of the others.
    """
    if len(images) != len(labels):
        raise ValueError(
            "Every image must have a label. Received: "
            f"{len(images)} images and {len(labels)} labels."
        )
    parts = (slice(begin, begin + BATCH_SIZE) for begin in range(0, len(images), BATCH_SIZE))
    return ((images[part], labels[part]) for part in parts)


def to_numpy(values: Any) -> np.ndarray:
    """An array or a tensor of any backend as a NumPy array."""
    if hasattr(values, "detach"):
        # PyTorch's, wherever it is and whatever the backend.
        values = values.detach().cpu()
    if hasattr(values, "numpy"):
        return np.asarray(values.numpy())
    return np.asarray(ops.convert_to_numpy(values))
