"""`keras-rbi train`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from keras_rbi.cli.backend import quiet_output
from keras_rbi.cli.common_options import reports, show_all_options
from keras_rbi.cli.find_learning_rate import find_learning_rate
from keras_rbi.cli.output import asked, fail, one_line_errors, print_json
from keras_rbi.cli.refuse_train_options import refuse_beside_minutes, refuse_contradictions
from keras_rbi.cli.report import report
from keras_rbi.cli.settings_options import with_settings
from keras_rbi.cli.train_run import train_run
from keras_rbi.cli.train_seeds import train_seeds
from keras_rbi.distribution.launched import launched
from keras_rbi.training.logging import Logging
from keras_rbi.training.setting import DATA, OUTPUT, TRAINING
from keras_rbi.training.settings import TrainingSettings


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
    refuse_contradictions(given, download, resume, seeds)
    if minutes is not None:
        refuse_beside_minutes(given, resume, seeds, find_lr)
    if find_lr:
        if resume or seeds:
            fail("--find-lr is for a new run. Leave out --resume and --seeds.")
        find_learning_rate(TrainingSettings(**given), output, download)
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
        train_seeds(given, seeds, output, download, logging)
        return
    folder, metrics = train_run(
        TrainingSettings(**given), output, download, resume, logging, allow_changed_data, minutes
    )
    if process.number:
        return
    if asked.json:
        print_json({"folder": str(folder.path), **metrics})
    else:
        report(folder, metrics, None if resume else given)
