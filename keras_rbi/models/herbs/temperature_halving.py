"""Temperature schedule of the distillation."""

from typing import Any

import keras


class TemperatureHalving(keras.callbacks.Callback):
    """Sets a model's `temperature` at the start of each epoch, halving it every few.

    T(epoch) = initial · 0.5^floor(epoch / epochs), epochs counted from 0.

    Args:
        initial: Float. Defaults to `64.0`.
        epochs: Integer. Defaults to `10`.

    Example:

    >>> keras_rbi.models.TemperatureHalving().at(25)
    16.0
    """

    def __init__(self, initial: float = 64.0, epochs: int = 10) -> None:
        super().__init__()
        self.initial = initial
        self.epochs = epochs

    def at(self, epoch: int) -> float:
        """The temperature of an epoch."""
        return self.initial * 0.5 ** (epoch // self.epochs)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Sets the temperature of the epoch."""
        self.model.temperature.assign(self.at(epoch))
