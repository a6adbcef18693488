"""Packing several feature tensors into one array, and back."""

from typing import Any

from keras import ops

from keras_rbi.types import Tensor


def pack(features: Any) -> Tensor:
    """Features side by side.

    Args:
        features: A tensor `(..., width)`, or a list of such tensors of the same leading axes.

    Returns:
        The tensor as it is, or a float32 tensor `(..., sum of the widths)`.
    """
    if not isinstance(features, (list, tuple)):
        return features
    return ops.concatenate([ops.cast(each, "float32") for each in features], axis=-1)


def unpack(rows: Tensor, like: Any) -> Any:
    """The features that `pack` has put side by side.

    Args:
        rows: Tensor `(..., sum of the widths)`, or an array.
        like: Features of the same structure, symbolic for example.

    Returns:
        The rows as they are, or a list of tensors.
    """
    if not isinstance(like, (list, tuple)):
        return rows
    features, begin = [], 0
    for each in like:
        features.append(rows[..., begin : begin + each.shape[-1]])
        begin += each.shape[-1]
    return features
