"""Checks of the arguments of an `ImageSequence`."""

from typing import Any

from keras_rbi.datasets.batches.sampling import OBSERVATIONS, SAMPLINGS, SHUFFLED
from keras_rbi.datasets.image_data import ImageData

LAST_BATCHES = ("keep", "drop", "pad", "mask")


def check_arguments(
    data: ImageData, shuffle: Any, one_hot: bool, mix: Any, sampling: str, last_batch: str
) -> None:
    """Refuses arguments that cannot be, or that contradict each other.

    Args:
        data: As in `ImageSequence`.
        shuffle: As in `ImageSequence`.
        one_hot: As in `ImageSequence`.
        mix: As in `ImageSequence`.
        sampling: As in `ImageSequence`.
        last_batch: As in `ImageSequence`.

    Raises:
        ValueError: If there is one.
    """
    if shuffle not in (True, False, "once"):
        raise ValueError(f"`shuffle` must be True, False or 'once'. Received: shuffle={shuffle!r}.")
    if mix is not None and not one_hot:
        raise ValueError(
            "A mixed image has several labels. Received: `mix` with one_hot=False. Pass "
            "one_hot=True, and train with a categorical loss."
        )
    if len(data) == 0:
        raise ValueError("The data set is empty: it has no image to make a batch of.")
    if sampling not in SAMPLINGS:
        raise ValueError(f"`sampling` must be one of {SAMPLINGS}. Received: {sampling!r}.")
    if sampling == OBSERVATIONS and data.observations is None:
        raise ValueError(
            "sampling='observations' draws several images of one thing, and of this data it is not "
            "known which are. Name a column, folders or a pattern of file names: `observations` of "
            "`load` (--observations)."
        )
    if sampling != SHUFFLED and shuffle is False:
        raise ValueError(
            f"sampling={sampling!r} draws images, which is an order of its own. Received: "
            "shuffle=False. Pass shuffle=True, or 'once' for the same draw in every epoch."
        )
    if last_batch not in LAST_BATCHES:
        raise ValueError(f"`last_batch` must be one of {LAST_BATCHES}. Received: {last_batch!r}.")
