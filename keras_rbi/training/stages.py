"""Training stages: head first, then more layers."""

from dataclasses import dataclass

from keras_rbi.training.choices import BACKBONE
from keras_rbi.training.settings import TrainingSettings


@dataclass(frozen=True)
class Stage:
    """Epochs in which the same part of the model is frozen.

    Attributes:
        first_epoch: Number of the first epoch, counted from 0.
        end_epoch: Number of the epoch after the last one.
        freeze: `"backbone"`, `"stem"` or `None`.
    """

    first_epoch: int
    end_epoch: int
    freeze: str | None


def stages(settings: TrainingSettings) -> list[Stage]:
    """The stages of a run: one, or the head first and then all.

    Args:
        settings: Resolved settings.

    Returns:
        The stages, in order.

    Example:

    >>> settings = keras_rbi.training.TrainingSettings(head_epochs=2, epochs=9).resolved()
    >>> [stage.freeze for stage in keras_rbi.training.stages.stages(settings)]
    ['backbone', None]
    """
    if not settings.head_epochs:
        return [Stage(0, settings.epochs, settings.freeze)]
    return [
        Stage(0, settings.head_epochs, BACKBONE),
        Stage(settings.head_epochs, settings.epochs, settings.freeze),
    ]


def stage_after(settings: TrainingSettings, epochs: int) -> Stage:
    """The stage of the last of so many finished epochs."""
    return next(stage for stage in stages(settings) if max(epochs, 1) <= stage.end_epoch)
