"""`keras-rbi train`."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from keras_rbi.cli.datasets import make_ready
from keras_rbi.cli.output import console, fail, one_line_errors, one_line_warnings, progress_bars
from keras_rbi.cli.report import report
from keras_rbi.cli.settings_options import as_arguments, with_settings
from keras_rbi.datasets.files.reading import UnreadableImageError
from keras_rbi.training import (
    RunFolder,
    TrainingRun,
    TrainingSettings,
    keep_freed_memory,
    latest_run_folder,
    next_run_folder,
    prepare,
)
from keras_rbi.training.choices import BACKBONE_ALONE
from keras_rbi.training.setting import DATA, OUTPUT

RUNS = Path("runs")


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
    **settings: Any,
) -> None:
    """Train a classifier and leave a run folder with model, metrics and curves.

    Examples:

    `keras-rbi train` - the typefaces, in minutes on two cores

    `keras-rbi train --no-rbi` - the same without relations, to compare

    `keras-rbi train --dataset birds/ --backbone ConvNeXtTiny --epochs 20`

    `keras-rbi train --dataset cub_200_2011 --data-dir data --download`

    `keras-rbi train --dataset birds/ --recipe finetune --mixup 0.2` - as practitioners fine-tune

    `keras-rbi train --dataset birds/ --recipe paper --variant paper` - its training and its layers

    `keras-rbi train --recipe my.toml` - with what a file of yours sets (docs/recipes.md)
    """
    # In the user's order.
    given = {name: settings[name] for name in context.params if settings.get(name) is not None}
    _refuse_contradictions(given, download, resume)
    keep_freed_memory()
    with one_line_errors(), one_line_warnings():
        run = _prepare(TrainingSettings(**given), output, download, resume)
    console.print(f"[bold]{'Resuming' if resume else 'Run folder'}[/bold] {run.folder.path}")
    report(run.folder, _complete(run), None if resume else given)


def _refuse_contradictions(given: Mapping[str, Any], download: bool, resume: bool) -> None:
    """Refuses options that contradict each other, which of settings `resolved` does."""
    if resume and (given or download):
        flags = [word for word in as_arguments(given) if word.startswith("--")]
        flags += ["--download"] if download else []
        fail(f"A resumed run keeps its settings. Leave out {', '.join(flags)}, or start a new run.")
    if given.get("rbi") is not False:
        return
    if (method := given.get("method", BACKBONE_ALONE)) != BACKBONE_ALONE:
        fail(f"--no-rbi is --method {BACKBONE_ALONE}. Leave it or --method {method} out.")
    if "variant" in given or "relation_dropout" in given:
        fail("--variant and --relation-dropout are settings of RBI. Leave them or --no-rbi out.")


def _prepare(
    settings: TrainingSettings, output: Path | None, download: bool, resume: bool
) -> TrainingRun:
    if not resume:
        settings = settings.resolved()
        if settings.source == "files":
            data_dir = None if settings.data_dir is None else Path(settings.data_dir)
            make_ready(settings.dataset, data_dir, download)
    folder = RunFolder(_folder(output, resume, settings))
    with progress_bars("Looking at the {} images") as progress:
        return prepare(settings, folder, resume, progress)


def _complete(run: TrainingRun) -> dict[str, Any]:
    try:
        # Other errors are the program's own, which a line would hide.
        with one_line_errors(UnreadableImageError), one_line_warnings():
            return run.complete()
    except KeyboardInterrupt:
        command = f"keras-rbi train --resume --output {shlex.quote(str(run.folder.path))}"
        console.print(f"\nInterrupted. Go on after the last finished epoch:\n  {command}")
        raise


def _folder(output: Path | None, resume: bool, settings: TrainingSettings) -> Path:
    if output is not None:
        return output
    if resume:
        return latest_run_folder(RUNS)
    return next_run_folder(RUNS, Path(settings.dataset).name)
