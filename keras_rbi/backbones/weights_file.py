"""Loading weights of a Keras file, all of them or none."""

import warnings
from pathlib import Path
from typing import Any

import h5py
import keras


def load_weights_file(model: keras.Model, path: Path) -> None:
    """Loads a `.weights.h5` file that holds exactly the weights of a model.

    Keras itself leaves the layers of a deeper model out without a word.

    Args:
        model: A built model.
        path: The file.

    Raises:
        ValueError: If there is no such file, or if it holds other weights. The model may then
            have some of them.
    """
    if not path.is_file():
        raise ValueError(f"There is no file of weights {str(path)!r}.")
    try:
        with warnings.catch_warnings():
            # Of containers that the file lacks. What lacks an array is refused below.
            warnings.filterwarnings("ignore", message="Skipping nested container")
            model.load_weights(path)
        expected = sum("int" not in str(weight.dtype) for weight in model.weights)
        if (found := _arrays_in(path)) != expected:
            raise ValueError(f"it has {found} arrays, the backbone {expected}")
    except (ValueError, OSError, KeyError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ValueError(
            f"{str(path)!r} does not hold the weights of {model.name!r}: {reason}"
        ) from error


def _arrays_in(file: Path) -> int:
    """Number of arrays of a file that may be weights: counters and seeds are integers."""
    arrays: list[str] = []

    def count(name: str, item: Any) -> None:
        is_weight = isinstance(item, h5py.Dataset) and item.dtype.kind not in "iu"
        if is_weight and not name.startswith("optimizer/"):
            arrays.append(name)

    with h5py.File(file) as store:
        store.visititems(count)
    return len(arrays)
