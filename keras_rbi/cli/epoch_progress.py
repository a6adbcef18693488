"""The progress of training: a bar in a terminal, and a line for each epoch anywhere."""

import time
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from keras_rbi.training.training_run import TrainingRun

# Steps between which time is taken: the first ones compile.
TIMED_STEPS = (2, 4)
# Seconds of a training beyond which it is told what would be quicker.
LONG = 1800.0


class EpochProgress(keras.callbacks.Callback):
    """Prints an epoch's loss, accuracies, seconds and what is left, when it has ended.

    In a terminal a bar goes through the steps of the epoch meanwhile.

    Args:
        run: The run, of which it takes the number of epochs and of steps.
        console: Where to print.
    """

    def __init__(self, run: TrainingRun, console: Console) -> None:
        super().__init__()
        self._epochs = run.settings.epochs
        self._steps = len(run.training)
        self._console = console
        self._bars: Progress | None = None
        self._begin = self._first = 0.0
        self._timed = 0.0
        self._done = self._epoch = 0
        images = f"{run.training.num_images:,} images, {self._steps:,} steps an epoch"
        self._about = f"Training on {images}; the first step compiles the model"

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Begins the bar."""
        self._begin = time.monotonic()
        self._epoch = epoch
        if not self._done:
            self._first = self._begin
            self._console.print(self._about, highlight=False, soft_wrap=True)
        if self._console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[now]}"),
            )
            self._bars = Progress(*columns, console=self._console, transient=True)
            self._bars.start()
            title = f"epoch {epoch + 1}/{self._epochs}"
            self._task = self._bars.add_task(title, total=self._steps, now="")

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Tells after a few steps, the first of which compile, how long all will take."""
        if self._done or batch not in TIMED_STEPS:
            return
        now = time.monotonic()
        if batch == TIMED_STEPS[0]:
            self._timed = now
            return
        step = (now - self._timed) / (TIMED_STEPS[1] - TIMED_STEPS[0])
        seconds = step * (self._steps * (self._epochs - self._epoch) - batch)
        self._console.print(
            f"About {duration(seconds)} to go, {step:.2g} s a step", highlight=False
        )
        if seconds > LONG:
            self._console.print(
                "Quicker: --quick (the head alone), fewer --epochs, or a smaller --image-size",
                highlight=False,
                soft_wrap=True,
            )

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Moves the bar."""
        if self._bars is not None:
            loss = (logs or {}).get("loss")
            now = f"{batch + 1}/{self._steps}" + ("" if loss is None else f"  loss {loss:.3f}")
            self._bars.update(self._task, completed=batch + 1, now=now)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Ends the bar and prints the epoch's line."""
        self.close()
        self._done += 1
        seconds = time.monotonic() - self._begin
        left = (self._epochs - epoch - 1) * (time.monotonic() - self._first) / self._done
        self._console.print(
            epoch_line(epoch + 1, self._epochs, logs or {}, seconds, left),
            highlight=False,
            soft_wrap=True,
        )

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Ends a bar that an interruption left."""
        self.close()

    def close(self) -> None:
        """Takes the bar away."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None


def epoch_line(epoch: int, epochs: int, logs: dict[str, Any], seconds: float, left: float) -> str:
    """An epoch in one line.

    Args:
        epoch: Its number, from 1.
        epochs: Their number.
        logs: Losses and metrics, those of validation with `val_` before them.
        seconds: That it took.
        left: Seconds that the others will take.

    Example:

    >>> from keras_rbi.cli.epoch_progress import epoch_line
    >>> epoch_line(2, 6, {"loss": 0.5, "accuracy": 0.8125, "val_accuracy": 0.75}, 11.6, 200)
    'epoch 2/6  loss 0.500  accuracy 81.2 %  validation 75.0 %  12 s, 3 min left'
    """
    parts = [f"epoch {epoch}/{epochs}", f"loss {logs.get('loss', float('nan')):.3f}"]
    for name, title in (("accuracy", "accuracy"), ("val_accuracy", "validation")):
        if name in logs:
            parts.append(f"{title} {100 * logs[name]:.1f} %")
    ahead = f", {duration(left)} left" if epoch < epochs else ""
    return "  ".join([*parts, duration(seconds) + ahead])


def duration(seconds: float) -> str:
    """Seconds for readers: `45 s`, `12 min`, `3 h 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
