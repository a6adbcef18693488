"""Which images of a batch relate to which: what RPE and RRA share about it."""

import numbers
from typing import Any

from keras import ops

Tensor = Any

INFERENCE_RELATIONS = ("batch", "self", "references")


def check_inference_relations(value: Any) -> str:
    """Returns the value, or raises a `ValueError` that names the choices."""
    if value not in INFERENCE_RELATIONS:
        raise ValueError(
            "Relations at inference must be one of "
            f"{', '.join(map(repr, INFERENCE_RELATIONS))}. Received: {value!r}."
        )
    return str(value)


def check_group_size(value: Any) -> int | None:
    """Returns the value, or raises a `ValueError` if it is neither positive nor None."""
    return None if value is None else positive_integer("group_size", value)


def positive_integer(name: str, value: Any) -> int:
    """Returns the value as an `int`, or raises a `ValueError` if it is no positive integer."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}.")
    return int(value)


def rows_in_use(mask: Tensor | None, rows: Tensor) -> Tensor:
    """The mask of the rows as booleans of shape `(batch,)`; all true without a mask."""
    if mask is None:
        return ops.ones((ops.shape(rows)[0],), dtype="bool")
    return ops.cast(mask, "bool")


def pairs_in_use(mask: Tensor) -> Tensor:
    """Which pairs have both rows in use: `(..., batch)` gives `(..., batch, batch)`."""
    return ops.expand_dims(mask, -1) & ops.expand_dims(mask, -2)


def split_into_groups(rows: Tensor, size: int) -> Tensor:
    """Cuts `(batch, ...)` into `(groups, size, ...)`; rows of zeros fill the last group."""
    batch, *rest = ops.shape(rows)
    groups = (batch + size - 1) // size
    if not isinstance(batch, int) or batch % size:
        filling = ops.zeros((size - 1, *rest), dtype=rows.dtype)
        rows = ops.concatenate([rows, filling], axis=0)[: groups * size]
    return ops.reshape(rows, (groups, size, *rest))


def join_groups(groups: Tensor, batch: Any) -> Tensor:
    """Puts `(groups, size, ...)` together again as `(batch, ...)`, without the filling."""
    _, _, *rest = ops.shape(groups)
    return ops.reshape(groups, (-1, *rest))[:batch]


def relations_within_groups(relations: Tensor, size: int) -> Tensor:
    """Relations `(batch, batch)` cut down to those within groups: `(batch, size)`."""
    batch = ops.shape(relations)[0]
    rows = split_into_groups(relations, size)
    groups = ops.shape(rows)[0]
    blocks = split_into_groups(ops.transpose(rows, (2, 0, 1)), size)
    # blocks[h, b, g, a] relates image a of group g to image b of group h.
    same_group = ops.reshape(ops.eye(groups, dtype="bool"), (groups, 1, groups, 1))
    within = ops.sum(ops.where(same_group, blocks, 0.0), axis=0)
    return join_groups(ops.transpose(within, (1, 2, 0)), batch)
