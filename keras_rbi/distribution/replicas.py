"""The devices that share a batch, as the one sees them that has a part of its rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from keras_rbi._lazy import resolve
from keras_rbi.types import Tensor

ENGINES = {
    name: f"keras_rbi.distribution.{name}_replicas" for name in ("jax", "tensorflow", "torch")
}


@dataclass(frozen=True)
class Replicas:
    """What a device does with the rows that others have.

    Attributes:
        gather: From its rows `(share, ...)` to those of all devices `(batch, ...)`, in their
            order. Gradients go back to the rows they came from.
        own: From rows of all devices to its own.
        total: The sum of a tensor over all devices, through which gradients go too.
        cuts_whole: Whether consecutive groups of so many rows lie on one device each; `False`
            where that is not known yet.
    """

    gather: Callable[[Tensor], Tensor]
    own: Callable[[Tensor], Tensor]
    total: Callable[[Tensor], Tensor]
    cuts_whole: Callable[[int], bool]


def replicas_of(rows: Tensor, training: bool | None) -> Replicas | None:
    """The devices among which a batch is divided that these rows are a part of.

    Args:
        rows: Tensor `(share, ...)`, the rows of this device.
        training: Boolean, whether the model is being trained.

    Returns:
        A `Replicas`, or `None` where the rows are a whole batch: on one device, and on JAX, whose
        programs are of the whole batch however many devices hold it.
    """
    found: Replicas | None = _engine().replicas_of(rows, bool(training))
    return found


def check_replica_scope() -> None:
    """Refuses relations within a device's share where the engine knows of no such share.

    Raises:
        ValueError: On JAX, with several devices.
    """
    _engine().check_replica_scope()


def _engine() -> Any:
    # NumPy and OpenVINO have one device.
    return resolve(ENGINES.get(keras.config.backend(), "keras_rbi.distribution.one_replica"))
