"""A check that the labels of data to measure on are classes of the model."""

import sys
from typing import Any

import keras
import numpy as np

from keras_rbi.models.batches import first_batch, to_numpy
from keras_rbi.models.labels import check_fit, largest_label

# Others may take any labels.
LOSSES_OF_CLASSES = (
    "SparseCategoricalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
)
INFINITE = -1


def check_labels(x: Any, y: Any, num_classes: int, loss: Any) -> Any:
    """Refuses labels that are no classes of a model, of which backends make different things.

    All labels of arrays are looked at; of other data those of the first batch, where reading it
    does not move what comes after: of endless `tf.data`, the width of one-hot labels alone.

    Args:
        x: What `evaluate` takes.
        y: Labels, where `x` is an array.
        num_classes: Number of classes of the model.
        loss: What the model is compiled with, `None` for a method's own. Labels for losses other
            than cross-entropy are left alone.

    Returns:
        The data to measure on: `x`, or what takes the place of a generator that was begun.

    Raises:
        ValueError: If the labels are not classes.
    """
    if loss is not None and not _is_of_classes(loss):
        return x
    labels, x = (y, x) if y is not None else _first_labels(x)
    if labels is None or isinstance(labels, (dict, tuple)):
        return x
    values = to_numpy(labels)
    if values.ndim == 2 and values.shape[1] > 1:
        check_fit(num_classes, values.shape[1] - 1, one_hot=True)
        return x
    ignored = getattr(loss, "ignore_class", None)
    counted = values if ignored is None else values[values != ignored]
    if counted.size:
        check_fit(num_classes, largest_label(counted), one_hot=False)
    return x


def _is_of_classes(loss: Any) -> bool:
    # Names, functions and objects of losses, called `categorical_crossentropy` or the like.
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    known = {each.lower() for each in LOSSES_OF_CLASSES}
    return name.replace("_", "").lower() in known


def _first_labels(x: Any) -> tuple[Any, Any]:
    """The labels of a first batch, `None` where it cannot be had, and the data."""
    first: Any = None
    torch = sys.modules.get("torch")
    if isinstance(x, keras.utils.PyDataset) or hasattr(x, "__next__"):
        first, x = first_batch(x)
    elif hasattr(x, "element_spec") and hasattr(x, "take"):
        first = _first_of_tf_data(x)
    elif torch is not None and isinstance(x, torch.utils.data.DataLoader):
        first = _first_of_loader(x, torch)
    has_labels = isinstance(first, (tuple, list)) and len(first) > 1
    return (first[1] if has_labels else None), x


def _first_of_tf_data(x: Any) -> Any:
    spec = x.element_spec
    if int(x.cardinality()) != INFINITE:
        return next(iter(x.take(1)), None)
    shape: Any = (
        getattr(spec[1], "shape", None) if isinstance(spec, tuple) and len(spec) > 1 else None
    )
    is_wide = shape is not None and shape.rank == 2 and (shape[1] or 0) > 1
    # Of such a width, and no more is told.
    return (None, np.zeros((1, shape[1]))) if is_wide else None


def _first_of_loader(x: Any, torch: Any) -> Any:
    if not hasattr(x.dataset, "__len__"):
        # It may be endless, and go on where it was left.
        return None
    # The loader draws a seed for its workers, and for its order.
    with torch.random.fork_rng(devices=[]):
        return next(iter(x), None)
