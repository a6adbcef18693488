"""Sets of images that relate within themselves: how a batch is cut into them and joined again.

A batch is one set; relation groups are sets of `group_size` consecutive images; images that relate
to themselves alone are sets of one.
"""

from typing import Any

from keras import ops

from keras_rbi.checks import one_of, positive_integer
from keras_rbi.types import Tensor

INFERENCE_RELATIONS = ("batch", "self", "references")


def check_inference_relations(value: Any) -> str:
    """Returns the value, or raises a `ValueError` that names the choices."""
    return str(one_of("inference_relations", value, INFERENCE_RELATIONS))


def check_group_size(value: Any) -> int | None:
    """Returns the value, or raises a `ValueError` if it is neither positive nor None."""
    return None if value is None else positive_integer("group_size", value)


def set_size(inference_relations: str, group_size: int | None, training: bool | None) -> int | None:
    """How many images make a set of a batch; `None` where the batch is one set."""
    return 1 if inference_relations == "self" and not training else group_size


def cut(rows: Tensor, size: int | None) -> Tensor:
    """Cuts `(batch, ...)` into sets `(sets, size, ...)`; rows of zeros fill the last set.

    With `size=None` the batch is one set, and stays as it is.
    """
    if size is None:
        return rows
    if size == 1:
        return ops.expand_dims(rows, 1)
    batch, *rest = ops.shape(rows)
    sets = (batch + size - 1) // size
    if not isinstance(batch, int) or batch % size:
        filling = ops.zeros((size - 1, *rest), dtype=rows.dtype)
        rows = ops.concatenate([rows, filling], axis=0)[: sets * size]
    return ops.reshape(rows, (sets, size, *rest))


def join(sets: Tensor, size: int | None, batch: Any) -> Tensor:
    """Puts sets `(sets, size, ...)` together again as `(batch, ...)`, without the filling."""
    if size is None:
        return sets
    if size == 1:
        return ops.squeeze(sets, 1)
    _, _, *rest = ops.shape(sets)
    return ops.reshape(sets, (-1, *rest))[:batch]


def cut_relations(
    relations: Tensor | None, size: int | None, group_size: int | None = None
) -> Tensor | None:
    """Cuts relations of a batch down to those within its sets.

    Args:
        relations: Of the sets, `(batch, size)`; of the whole batch, `(batch, batch)`; or, for sets
            of one, of its groups, `(batch, group_size)`.
        size: Images in a set, or `None` where the batch is one set.
        group_size: Integer, or `None`. Defaults to `None`.

    Returns:
        Tensor of shape `(sets, size, size)`, or as given where the batch is one set.
    """
    if relations is None or size is None:
        return relations
    if relations.shape[-1] != size:
        within = _diagonal(relations, group_size) if size == 1 else _blocks(relations, size)
        relations = within
    return cut(relations, size)


def _diagonal(relations: Tensor, group_size: int | None) -> Tensor:
    """Each image's relation to itself, `(batch, 1)`."""
    batch = ops.shape(relations)[0]
    if group_size is not None and relations.shape[-1] == group_size:
        relations = cut(relations, group_size)
    identity = ops.eye(ops.shape(relations)[-1], dtype="bool")
    # `where` and not a product: other rows may hold anything.
    to_self = ops.sum(ops.where(identity, relations, 0.0), axis=-1)
    return ops.reshape(to_self, (-1, 1))[:batch]


def _blocks(relations: Tensor, size: int) -> Tensor:
    """Relations `(batch, batch)` cut down to those within groups: `(batch, size)`."""
    batch = ops.shape(relations)[0]
    rows = cut(relations, size)
    groups = ops.shape(rows)[0]
    blocks = cut(ops.transpose(rows, (2, 0, 1)), size)
    # blocks[h, b, g, a] relates image a of group g to image b of group h.
    same_group = ops.reshape(ops.eye(groups, dtype="bool"), (groups, 1, groups, 1))
    within = ops.sum(ops.where(same_group, blocks, 0.0), axis=0)
    return join(ops.transpose(within, (1, 2, 0)), size, batch)


def rows_in_use(mask: Tensor | None, rows: Tensor) -> Tensor:
    """The mask of the rows as booleans of shape `(batch,)`; all true without a mask."""
    if mask is None:
        return ops.ones((ops.shape(rows)[0],), dtype="bool")
    return ops.cast(mask, "bool")


def pairs_in_use(mask: Tensor) -> Tensor:
    """Which pairs have both rows in use: `(..., batch)` gives `(..., batch, batch)`."""
    return ops.expand_dims(mask, -1) & ops.expand_dims(mask, -2)
