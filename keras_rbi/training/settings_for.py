"""Settings of a run that follow from how many images it has."""

import dataclasses

from keras_rbi.training.choices import BACKBONE, NO_WEIGHTS
from keras_rbi.training.recipes import DEFAULT
from keras_rbi.training.settings import TrainingSettings

# Steps of fine-tuning by which it has come to its end, where there are few images.
STEPS = 300
MOST_EPOCHS = 30


def settings_for(settings: TrainingSettings, images: int) -> TrainingSettings:
    """Resolved settings, with a number of epochs that suits the number of images.

    What is fine-tuned goes through few images more often, up to 30 times: for 300 steps, and for as
    many epochs as the settings have by default at least. Whoever gives a number of epochs or a
    recipe gets what it says.

    Args:
        settings: Settings, resolved or not; of resolved ones the epochs are given.
        images: Number of training images.

    Returns:
        Resolved settings.

    Example:

    >>> from keras_rbi.training import TrainingSettings, settings_for
    >>> settings = TrainingSettings(dataset="birds/", backbone="EfficientNetLite0")
    >>> [settings_for(settings, images).epochs for images in (100, 500, 5000)]
    [30, 19, 10]
    """
    resolved = settings.resolved()
    if settings.epochs is not None or not _is_fine_tuned_by_default(resolved):
        return resolved
    steps_per_epoch = max(1, -(-images // resolved.batch_size))
    epochs = min(MOST_EPOCHS, max(resolved.epochs, -(-STEPS // steps_per_epoch)))
    return dataclasses.replace(settings, epochs=epochs).resolved()


def _is_fine_tuned_by_default(settings: TrainingSettings) -> bool:
    """Whether all is trained from pretrained weights, and no recipe says how."""
    return (
        settings.recipe in (None, DEFAULT)
        and settings.weights != NO_WEIGHTS
        and settings.freeze != BACKBONE
        and not settings.quick
    )
