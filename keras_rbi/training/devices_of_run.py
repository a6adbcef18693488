"""The devices of a run, found before its data are read."""

from keras_rbi.distribution.devices import Devices, start_devices
from keras_rbi.models.scopes import REPLICA
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
    return devices
