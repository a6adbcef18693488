"""JAX: all devices of all processes, under `keras.distribution.DataParallel`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import jax
import keras

from keras_rbi.distribution.devices import Devices, number_of
from keras_rbi.distribution.launched import Launched


def start(asked: str, process: Launched) -> Devices:
    """The devices of this process and of those it was started with.

    Raises:
        ValueError: If there are fewer than were asked for.
    """
    if process.processes > 1 and not jax.distributed.is_initialized():
        # Of Slurm and Open MPI JAX knows the addresses itself.
        addresses = os.environ.get("KERAS_DISTRIBUTION_JOB_ADDRESSES")
        known = (process.processes, process.number) if addresses else (None, None)
        keras.distribution.initialize(addresses, *known)
    own = jax.local_devices()
    count = number_of(asked, len(own), own[0].platform)
    if process.processes > 1 and count < len(own):
        raise ValueError(
            f"Each of several processes uses all devices that it sees. Received: {count}, with "
            f"{len(own)} in sight. Ask for `auto`."
        )
    if count * process.processes == 1:
        return Devices()
    devices = keras.distribution.list_devices()
    devices = devices if process.processes > 1 else devices[:count]
    parallel = keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)

    @contextmanager
    def scope() -> Iterator[None]:
        before = keras.distribution.distribution()
        keras.distribution.set_distribution(parallel)
        try:
            yield
        finally:
            keras.distribution.set_distribution(before)

    return Devices(count, process, scope, is_elsewhere=True, whole_batches=True)
