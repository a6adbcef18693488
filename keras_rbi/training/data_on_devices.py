"""Batches of a run as its devices take them."""

from typing import Any

from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.datasets.batches.masked_mean import MaskedMean
from keras_rbi.distribution.devices import Devices
from keras_rbi.training.fit_data import fit_data


def data_on_devices(
    sequence: ImageSequence, devices: Devices, training: bool, epoch: int = 0
) -> tuple[Any, ImageSequence]:
    """Data for `fit`, of which a process reads its own rows alone.

    Where processes validate, each validates by itself, unless its batches must be of all.

    Args:
        sequence: The batches.
        devices: The devices.
        training: Whether they are to be trained on.
        epoch: Integer, how many epochs are done. Defaults to `0`.

    Returns:
        What to pass to `fit`; and the sequence that it reads, which knows of images that cannot be
        read.
    """
    last = len(sequence.labels) % sequence.batch_size if sequence.last_batch == "keep" else 0
    masked = bool(last) and devices.whole_batches
    if masked:
        sequence = sequence.with_batch_size(sequence.batch_size, "mask")
    if devices.process.processes > 1 and (training or devices.whole_batches):
        sequence = sequence.shared(devices.process.number, devices.process.processes)
    data = fit_data(sequence, epoch, devices.looks_into_data)
    return (MaskedMean(sequence, last) if masked else data), sequence


def check_batches(devices: Devices, batch_size: int, class_weights: bool, images: int) -> None:
    """Refuses batches that the devices cannot share.

    Args:
        devices: The devices.
        batch_size: Images of a batch.
        class_weights: Whether classes are weighted.
        images: Number of training images.

    Raises:
        ValueError: If they cannot.
    """
    if devices.whole_batches and batch_size % devices.count:
        raise ValueError(
            f"Each device must have as many images of a batch. Received: batch_size={batch_size} "
            f"and {devices.count} devices. Take a multiple of {devices.count} (--batch-size)."
        )
    if batch_size < devices.count:
        raise ValueError(
            f"Each device must have images of a batch. Received: batch_size={batch_size} and "
            f"{devices.count} devices. Take larger batches (--batch-size), or fewer devices."
        )
    if not devices.whole_batches and 0 < images % batch_size < devices.count:
        raise ValueError(
            f"Each device must have an image of every batch. Received: {images:,} images in "
            f"batches of {batch_size}, the last of {images % batch_size}, and "
            f"{devices.count} devices. Take another batch size (--batch-size), or fewer devices."
        )
    if devices.whole_batches and class_weights and images % batch_size:
        raise ValueError(
            "On several devices of JAX the last batch is filled and masked, which Keras cannot "
            f"do beside class weights. Received: class_weights, and {images:,} images in batches "
            f"of {batch_size}. Leave them out (--sampling balanced does much the same)."
        )
