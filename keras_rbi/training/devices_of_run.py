"""The devices of a run, found before its data are read."""

from keras_rbi.distribution.devices import Devices, start_devices
from keras_rbi.models.scopes import REPLICA
from keras_rbi.training.choices import MIXED_BFLOAT16, MIXED_FLOAT16
from keras_rbi.training.settings import TrainingSettings


def devices_of_run(settings: TrainingSettings) -> Devices:
    """Finds the devices that settings ask for, and the other processes of the run.

    Args:
        settings: Resolved settings.

    Returns:
        A `Devices`.

    Raises:
        ValueError: If there are fewer, or if the engine cannot use them in this way.
    """
    devices = start_devices(settings.devices or "1")
    if settings.relation_scope == REPLICA:
        devices.check_replica_scope()
    if settings.precision == MIXED_FLOAT16 and not devices.scales_losses:
        raise ValueError(
            "On several devices of TensorFlow, Keras does not notice all gradients that float16 "
            f"cannot hold. Received: precision={MIXED_FLOAT16!r}. Pass {MIXED_BFLOAT16!r}."
        )
    return devices
