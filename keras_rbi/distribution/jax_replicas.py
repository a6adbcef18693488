"""JAX: the compiled program is of the whole batch, and the compiler moves rows as it needs them."""

from typing import Any, NoReturn

import keras


def replicas_of(rows: Any, training: bool) -> None:
    """None: a layer sees the rows of all devices."""


def check_replica_scope() -> None:
    """Refuses a scope that JAX has no name for.

    Raises:
        ValueError: If a distribution with several devices is set.
    """
    distribution = keras.distribution.distribution()
    if distribution is not None and (devices := distribution.device_mesh.devices.size) > 1:
        refuse_replica_scope(devices)


def refuse_replica_scope(devices: int) -> NoReturn:
    """Says what to pass in its place.

    Args:
        devices: How many there are.

    Raises:
        ValueError: Always.
    """
    raise ValueError(
        "On JAX a batch is one on all devices, and relation_scope='replica' has no meaning. "
        f"Received: it, with {devices} devices. Leave it out, and pass group_size=a device's "
        "share, which relates within it on every engine."
    )
