"""What Keras computes with has all that `Tensor` says of it."""

from typing import Protocol

import keras
import numpy as np
import pytest

from keras_rbi.types import Tensor


class Empty(Protocol):
    """Has what every protocol has."""


@pytest.mark.parametrize(
    "tensor",
    [
        np.zeros((2, 3), "float32"),
        keras.ops.zeros((2, 3)),
        keras.Variable(np.zeros((2, 3), "float32")),
        keras.KerasTensor((2, 3)),
    ],
    ids=lambda tensor: type(tensor).__name__,
)
def test_has_what_a_tensor_has(tensor):
    members = vars(Tensor).keys() - vars(Empty).keys()
    assert {"shape", "dtype", "ndim", "__array__", "__getitem__", "__rmul__"} <= members
    assert not [name for name in members if not hasattr(tensor, name)]
