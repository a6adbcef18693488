"""What a run begins with, in a line: its devices, and what images relate to on them."""

import keras

from keras_rbi.distribution.devices import Devices


def told_devices(devices: Devices, batch_size: int, model: keras.Model) -> str:
    """Devices, processes, batch, and what an image relates to in training.

    Args:
        devices: The devices.
        batch_size: Images of a batch, on all devices.
        model: The model.

    Returns:
        A line.

    Example:

    >>> from keras_rbi.distribution.devices import Devices
    >>> from keras_rbi.training.told_devices import told_devices
    >>> model = keras_rbi.RBIModel(keras_rbi.backbones.SmallCNN((32, 32, 3)), num_classes=2)
    >>> told_devices(Devices(of_process=4), 32, model)
    'Devices: 4 in one process; batches of 32, 8 on each; images relate to all 32 of their batch'
    """
    process = devices.process
    where = "one process"
    if process.processes > 1:
        where = f"{process.processes} processes ({process.launcher})"
    share = batch_size // devices.count
    about = "no image relates to another"
    if getattr(model, "rra", None) is not None:
        group = model.group_size
        if group is not None:
            about = f"images relate in groups of {group}"
        elif model.relation_scope == "replica":
            about = f"images relate to the {share} of their device"
        else:
            about = f"images relate to all {batch_size} of their batch"
    each = f"{'about ' if batch_size % devices.count else ''}{share} on each"
    return f"Devices: {devices.count} in {where}; batches of {batch_size}, {each}; {about}"
