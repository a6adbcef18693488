"""One run of `keras-rbi train`, with what it is doing told."""

import math
import re
import shlex
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_rbi import training
from keras_rbi.cli.backend import GONE, start_backend
from keras_rbi.cli.claim_run_folder import claim_run_folder
from keras_rbi.cli.output import (
    asked,
    doing,
    fail,
    marked,
    notes,
    one_line,
    one_line_errors,
    one_line_warnings,
    progress_bars,
    say,
    told_of_disk,
)
from keras_rbi.cli.read_training_data import make_ready_for, read_training_data
from keras_rbi.cli.require_weights import require_weights
from keras_rbi.datasets.files.reading import UnreadableImageError
from keras_rbi.disk_errors import disk_error
from keras_rbi.distribution.launched import launched
from keras_rbi.training.logging import Logging
from keras_rbi.training.run_folder import RunFolder
from keras_rbi.training.settings import TrainingSettings

if TYPE_CHECKING:
    from keras_rbi.distribution.devices import Devices
    from keras_rbi.training import TrainingRun

# What gloo, NCCL and JAX's coordinator say of a process that is no longer there.
SAYS_GONE = re.compile(
    r"[Cc]onnection (closed|reset)|[Tt]imed out|[Gg]loo|NCCL|heartbeat|UNAVAILABLE|peer"
)
STATUS = re.compile(r"[A-Z_]+: ")


def train_run(
    settings: TrainingSettings,
    output: Path | None,
    download: bool,
    resume: bool,
    logging: Logging,
    allow_changed_data: bool = False,
    minutes: float | None = None,
) -> tuple[RunFolder, dict[str, Any]]:
    """Trains one model; gives its folder and its metrics."""
    with ExitStack() as held:
        with one_line_errors(), one_line_warnings():
            run = _prepare(settings, output, download, resume, allow_changed_data, minutes, held)
        if not asked.quiet:
            what = "Resuming" if resume else "Run folder"
            after = f", after epoch {run.finished_epochs}" if run.finished_epochs else ""
            line = f"[bold]{what}[/bold] {marked(str(run.folder.path))}{after}"
            notes().print(line, soft_wrap=True, markup=True)
            if run.devices.count > 1:
                about = training.told_devices(run.devices, run.settings.batch_size, run.model)
                notes().print(about, highlight=False, soft_wrap=True)
        return run.folder, _complete(run, logging)


def _prepare(
    settings: TrainingSettings,
    output: Path | None,
    download: bool,
    resume: bool,
    allow_changed_data: bool,
    minutes: float | None,
    held: ExitStack,
) -> "TrainingRun":
    begin = time.monotonic()
    given = settings
    devices = None
    if not resume:
        settings = settings.resolved()
        devices = _devices_of(settings)
        make_ready_for(settings, download)
    folder = claim_run_folder(output, resume, settings, held)
    settings, class_names = folder.check_start(settings, resume)
    if resume:
        devices = _devices_of(settings)
    data = read_training_data(settings, class_names)
    require_weights(settings)
    start_backend()
    training.keep_freed_memory()
    if minutes is not None:
        with doing("Timing some steps"):
            spent = time.monotonic() - begin
            settings = given = training.settings_within(minutes, given, data, spent)
        if not asked.quiet:
            what = "the head alone" if settings.quick else f"{settings.epochs} epochs"
            notes().print(f"In {minutes:g} minutes: {what}", highlight=False)
    with doing(f"Building {settings.backbone}"):
        return training.prepare(
            given,
            folder,
            resume,
            data=data,
            allow_changed_data=allow_changed_data,
            devices=devices,
        )


def _devices_of(settings: TrainingSettings) -> "Devices | None":
    """The devices of a run that may have several; `None`, without a backend, where it has one.

    What they cannot do is told before data are read, for which a backend must be there to be asked.
    """
    if settings.devices == "1" and launched().processes == 1:
        return None
    start_backend()
    devices = training.devices_of_run(settings)
    devices.ends_with_leave()
    return devices


def _complete(run: "TrainingRun", logging: Logging) -> dict[str, Any]:
    from keras_rbi.cli.epoch_progress import EpochProgress
    from keras_rbi.training.checkpoints import CheckpointError

    shown = [] if asked.quiet else [EpochProgress(run, notes())]
    command = f"keras-rbi train --resume --output {shlex.quote(str(run.folder.path))}"
    try:
        # Other errors are the program's own, which a line would hide.
        with one_line_errors(UnreadableImageError, CheckpointError), one_line_warnings():
            if run.settings.quick or run.settings.feature_head:
                with progress_bars("Extracting features of the {} images") as progress:
                    accuracy = run.fit_head(progress)
                if accuracy is not None and not asked.quiet:
                    notes().print(
                        f"Head on features of {run.settings.backbone} as it is: validation "
                        f"{100 * accuracy:.1f} %{_told_rate(run.settings)}",
                        highlight=False,
                    )
            run.fit([*shown, *logging.callbacks(run)], verbose=0)
            if not run.devices.is_first:
                return {}
            _tell_divergence(run)
            with doing("Measuring the test images"):
                return run.finish(keep_optimizer=logging.keep_optimizer)
    except KeyboardInterrupt:
        if run.devices.is_first:
            notes().print("\nInterrupted. Go on after the last finished epoch:")
            notes().print(f"  {one_line(command)}", soft_wrap=True)
        raise
    except Exception as error:
        refused = disk_error(error)
        if refused is None and run.devices.process.processes > 1 and _is_of_others(error):
            fail(GONE.decode())
        if refused is None:
            raise
        fail(
            f"{told_of_disk(refused)} Make room, and go on after the last finished epoch: {command}"
        )


def _tell_divergence(run: "TrainingRun") -> None:
    """Warns where the loss has come to be no number."""
    since = [
        epoch
        for name in ("loss", "val_loss")
        for epoch, loss in enumerate(run.history.get(name, []), 1)
        if not math.isfinite(loss)
    ]
    if since:
        say(
            f"Warning: The loss is no number from epoch {min(since)} on: training has diverged. "
            f"Take a smaller learning rate than {run.settings.learning_rate:g}, which --find-lr "
            "suggests, or shorten gradients (--clip-norm 1).",
            sys.stderr,
        )


def _told_rate(settings: TrainingSettings) -> str:
    """The learning rate, where it follows from the head."""
    if settings.quick or not settings.rate_by_head:
        return ""
    return f"; all is trained at a learning rate of {settings.learning_rate:g}"


def _is_of_others(error: Exception) -> bool:
    """Whether it is one of the many by which engines say that another process is gone."""
    text = str(error)
    # JAX's are errors of values, which begin with a status.
    is_of_engine = isinstance(error, RuntimeError) or bool(STATUS.match(text))
    return is_of_engine and bool(SAYS_GONE.search(text))
