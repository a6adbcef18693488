"""TensorFlow: the devices of one process, under `tf.distribute.MirroredStrategy`."""

import tensorflow as tf

from keras_rbi.distribution.devices import Devices, number_of
from keras_rbi.distribution.launched import Launched


def start(asked: str, process: Launched) -> Devices:
    """The devices of this machine.

    Raises:
        ValueError: If there are fewer than were asked for, or several processes.
    """
    if process.processes > 1:
        raise ValueError(
            f"Keras trains in one process on TensorFlow: its `fit` fails under a strategy of "
            f"several workers. Received: {process.processes} processes of {process.launcher}. Set "
            "KERAS_BACKEND to jax or torch (docs/scaling.md), or start one process without "
            f"{process.launcher}, on the devices of one machine (--devices auto)."
        )
    devices = tf.config.list_logical_devices("GPU")
    if not devices:
        devices = tf.config.list_logical_devices("CPU")
    count = number_of(asked, len(devices), devices[0].device_type)
    if count == 1:
        return Devices()
    names = [device.name for device in devices[:count]]
    # NCCL is for GPUs.
    moved = tf.distribute.ReductionToOneDevice() if devices[0].device_type == "CPU" else None
    strategy = tf.distribute.MirroredStrategy(names, moved)
    return Devices(
        count,
        scope=strategy.scope,
        is_elsewhere=True,
        looks_into_data=True,
        # Whether a scaled loss was too large, Keras asks the first replica alone.
        scales_losses=False,
    )
