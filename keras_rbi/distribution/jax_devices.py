"""JAX: all devices of all processes, under `keras.distribution.DataParallel`."""

import atexit
import functools
import inspect
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import jax
import keras

from keras_rbi.distribution.devices import Devices, number_of
from keras_rbi.distribution.jax_replicas import refuse_replica_scope
from keras_rbi.distribution.launched import Launched

ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
# After which a process that is silent is dead, and the others end. JAX's own are 100.
HEARTBEAT_SECONDS = 30


def start(asked: str, process: Launched) -> Devices:
    """The devices of this process and of those it was started with.

    Raises:
        ValueError: If there are fewer than were asked for, or if the processes cannot find each
            other.
    """
    if process.processes > 1 and not jax.distributed.is_initialized():
        _join(process)
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

    return Devices(
        count,
        process,
        scope,
        leave=jax.distributed.shutdown,
        ends_with_leave=functools.partial(atexit.register, _end_without_the_others),
        is_elsewhere=True,
        whole_batches=True,
        check_replica_scope=functools.partial(refuse_replica_scope, count * process.processes),
    )


def _join(process: Launched) -> None:
    """Finds the other processes, and has this one end when one of them does.

    `keras.distribution.initialize` does so too, but lets minutes go by until it ends.
    """
    # Of Slurm and Open MPI JAX knows the addresses itself.
    addresses = os.environ.get(ADDRESSES)
    known = (process.processes, process.number) if addresses else (None, None)
    first = addresses.split(",")[0] if addresses else None
    # Early versions have none.
    may_wait = (
        "heartbeat_timeout_seconds" in inspect.signature(jax.distributed.initialize).parameters
    )
    heartbeat = {"heartbeat_timeout_seconds": HEARTBEAT_SECONDS} if may_wait else {}
    try:
        jax.distributed.initialize(first, *known, **heartbeat)
    except ValueError as error:
        raise ValueError(
            f"JAX does not find the first of {process.processes} processes of {process.launcher}: "
            f"{error} Set {ADDRESSES} to its machine and a free port there, such as first:29500."
        ) from error
    if is_alone_on_its_machine(os.environ):
        # Under these two, JAX takes a process to be for one of the GPUs.
        for name in ("jax_cuda_visible_devices", "jax_rocm_visible_devices"):
            jax.config.update(name, "all")
    # What a model is made with, before the weights of a file, must be the same on all of them.
    keras.utils.set_random_seed(0)
    atexit.register(_end_after_an_error)


def is_alone_on_its_machine(environment: Mapping[str, str]) -> bool:
    """Whether Slurm or Open MPI say that they have started one process on each machine.

    Args:
        environment: Variables.

    Example:

    >>> from keras_rbi.distribution.jax_devices import is_alone_on_its_machine
    >>> is_alone_on_its_machine({"SLURM_STEP_TASKS_PER_NODE": "1(x2)"})
    True
    """
    of_slurm = environment.get("SLURM_STEP_TASKS_PER_NODE", "").partition("(")[0]
    return "1" in (of_slurm, environment.get("OMPI_COMM_WORLD_LOCAL_SIZE"))


def _end_after_an_error() -> None:
    if getattr(sys, "last_value", None) is not None:
        _end_without_the_others()


def _end_without_the_others() -> None:
    """Ends a process that has not parted from the others, with exit code 1.

    At the end of a process JAX waits for the others to end, which wait for its part of a step: for
    five minutes, after which all of them are aborted. Without it they notice at once.
    """
    if jax.distributed.is_initialized():
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(1)
