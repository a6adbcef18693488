"""Settings of a run that is to end within a time."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.training.build import batches_of_split, build_model
from keras_rbi.training.choices import FEATURE_METHODS, NO_WEIGHTS
from keras_rbi.training.settings import TrainingSettings

# Steps of training, of which the first ones compile.
COMPILING, TIMED = 2, 3
# A network that has seen its images as often learns little more.
MOST_EPOCHS = 50
# Fewer do not pay: a rate that rises and falls at once leaves the network near its head. In a few
# steps all that it learns is to forget the head: of five typefaces of 12 images, EfficientNet-Lite0
# got 47 % of new images with the head alone, 38 after 10 steps more and 50 after 60.
FEWEST_EPOCHS, FEWEST_STEPS_AFTER_HEAD = 2, 30
# Of the time, what is planned: the machine may have other work too.
PLANNED = 0.9


@dataclass(frozen=True)
class TimeOfTraining:
    """What a run takes on this machine, in seconds.

    Attributes:
        start: To compile.
        head: To extract the features that a head is trained on.
        epoch: An epoch and the validation after it.
        end: To measure the test images.
        steps: How many steps there are in an epoch.
    """

    start: float
    head: float
    epoch: float
    end: float
    steps: int

    def epochs_within(self, seconds: float) -> int:
        """How many whole epochs fit into a time, beside all else; 0 if none does.

        Example:

        >>> from keras_rbi.training.settings_within import TimeOfTraining
        >>> taken = TimeOfTraining(start=9.0, head=1.0, epoch=20.0, end=5.0, steps=7)
        >>> taken.epochs_within(100.0)
        4
        """
        return max(0, int((seconds - self.start - self.head - self.end) // self.epoch))


def settings_within(
    minutes: float,
    settings: TrainingSettings,
    images: Mapping[str, ImageData],
    spent: float = 0.0,
) -> TrainingSettings:
    """Settings with as many epochs as fit into a time, found by some steps that are timed.

    Where not even two epochs and thirty steps fit, the head alone is trained, on features that are
    extracted once, if the method has such a head. A model that is thrown away is timed.

    Args:
        minutes: How long all may take, that which is timed here included.
        settings: Settings, resolved or not, whose `epochs` are open.
        images: The images of each split, as `read_data` gives them for the same settings.
        spent: Seconds of them that have gone by. Defaults to `0.0`.

    Returns:
        Resolved settings with `epochs` of 2 to 50, or with `quick`.

    Raises:
        ValueError: If `epochs` are given, or if nothing fits into the time.

    Example:

    >>> from keras_rbi import training
    >>> settings = training.TrainingSettings(per_class=1, image_size=16)
    >>> images = training.read_data(settings.resolved())
    >>> training.settings_within(60.0, settings, images).epochs
    50
    """
    if settings.epochs is not None or settings.quick:
        raise ValueError(
            "A time says how many epochs there are, or that there is but a head. Received: "
            f"epochs={settings.epochs}, quick={settings.quick} and minutes={minutes:g}. Leave out "
            "either."
        )
    begin = time.monotonic() - spent
    resolved = settings.resolved()
    taken = time_of_training(resolved, images)
    seconds = PLANNED * 60.0 * minutes - (time.monotonic() - begin)
    epochs = min(MOST_EPOCHS, taken.epochs_within(seconds))
    has_head = resolved.method in FEATURE_METHODS and resolved.weights != NO_WEIGHTS
    fewest = FEWEST_STEPS_AFTER_HEAD if has_head else 0
    if epochs >= FEWEST_EPOCHS and epochs * taken.steps >= fewest:
        return dataclasses.replace(settings, epochs=epochs).resolved()
    least = taken.start + taken.end + (taken.head if has_head else FEWEST_EPOCHS * taken.epoch)
    if has_head and least <= seconds:
        return dataclasses.replace(settings, quick=True).resolved()
    least = (time.monotonic() - begin + least) / PLANNED / 60.0
    raise ValueError(
        f"{minutes:g} minutes are too few: {'a head' if has_head else 'two epochs'} would take "
        f"about {least:.1f}. Give them, or fewer images, or a smaller image_size than "
        f"{resolved.image_size}."
    )


def time_of_training(settings: TrainingSettings, images: Mapping[str, ImageData]) -> TimeOfTraining:
    """Times some steps of training and of prediction.

    Args:
        settings: Resolved settings.
        images: The images of each split, as `read_data` gives them.

    Returns:
        A `TimeOfTraining`, of a run that begins anew.
    """
    training = batches_of_split(settings, "train", images["train"])
    batches = {split: -(-len(images[split]) // settings.batch_size) for split in images}
    model = build_model(settings, training.class_names, len(training))
    step, compiled = _time(lambda batch: model.train_on_batch(*batch), training)
    forward, traced = _time(lambda batch: model.predict_on_batch(batch[0]), training)
    return TimeOfTraining(
        start=compiled + traced,
        head=forward * (batches["train"] + batches["validation"]),
        epoch=step * len(training) + forward * batches["validation"],
        end=forward * batches["test"],
        steps=len(training),
    )


def _time(function: Callable[[Any], Any], batches: ImageSequence) -> tuple[float, float]:
    """Seconds that a function takes for a batch, its reading included, and to be compiled."""
    taken = []
    for number in range(COMPILING + TIMED):
        begin = time.monotonic()
        function(batches[number % len(batches)])
        taken.append(time.monotonic() - begin)
    usual = statistics.median(taken[COMPILING:])
    return usual, max(0.0, sum(taken[:COMPILING]) - COMPILING * usual)
