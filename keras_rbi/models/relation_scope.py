"""How far relations reach where several devices share a batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from keras_rbi.checks import one_of
from keras_rbi.distribution.replicas import Replicas, check_replica_scope, replicas_of
from keras_rbi.layers.two_pass_batch_normalization import moments_over
from keras_rbi.models.scopes import REPLICA, SCOPES
from keras_rbi.types import Tensor

# Not an attribute of the model: a strategy runs its replicas in threads that take turns.
_replicas: ContextVar[Replicas | None] = ContextVar("replicas", default=None)


def check_relation_scope(value: Any) -> str:
    """Returns the value, or raises a `ValueError` that names the choices."""
    return str(one_of("relation_scope", value, SCOPES))


@contextmanager
def in_scope(model: Any, images: Tensor, training: bool | None) -> Iterator[None]:
    """Has a model relate the images of its device within its `relation_scope`.

    What relates to itself alone, or in groups that no device shares with another, gathers nothing;
    RRA's batch normalization then adds up its moments, which are of the whole batch.

    Args:
        model: A `RelationalClassifier`.
        images: Tensor, the images of this device.
        training: Boolean, whether it is being trained.
    """
    if model.rra is None or (not training and model.relations != "batch"):
        yield
        return
    if model.relation_scope == REPLICA:
        check_replica_scope()
        yield
        return
    replicas = replicas_of(images, training)
    if replicas is None:
        yield
    elif model.group_size is not None and replicas.cuts_whole(model.group_size):
        with moments_over(replicas.total):
            yield
    else:
        before = _replicas.set(replicas)
        try:
            yield
        finally:
            _replicas.reset(before)


def gathered(rows: Tensor | None) -> Tensor | None:
    """Rows of all devices within the scope; as they are outside of it."""
    replicas = _replicas.get()
    return rows if rows is None or replicas is None else replicas.gather(rows)


def own(rows: Tensor) -> Tensor:
    """Those of this device, of what `gathered` rows have become."""
    replicas = _replicas.get()
    return rows if replicas is None else replicas.own(rows)
