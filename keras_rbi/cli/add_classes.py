"""`keras-rbi add-classes`."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from keras_rbi import training
from keras_rbi.cli.backend import start_backend
from keras_rbi.cli.common_options import reports
from keras_rbi.cli.output import (
    advise,
    asked,
    console,
    errors,
    marked,
    one_line,
    one_line_errors,
    one_line_warnings,
    print_json,
    progress_bars,
)
from keras_rbi.training.run_folder import RunFolder, find_model, next_run_folder

if TYPE_CHECKING:
    from keras_rbi.training import AddedToRun

# Classes that are named; a run can have thousands.
SHOWN = 10


@reports
def add_classes(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    images: Annotated[
        Path,
        typer.Argument(
            help="A folder with a folder of images for each new class, or a table of them."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of the new run. [default: the next free one beside the run]"),
    ] = None,
    refit: Annotated[
        bool,
        typer.Option("--refit", help="Fit the old classes' rows too; else they stay as they are."),
    ] = False,
    allow_loss: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=100.0,
            help="Points of the old classes' accuracy on validation images that the new ones may "
            "take. More makes these better.",
        ),
    ] = 1.0,
) -> None:
    """Add classes to a finished run, from a few images of each, without training its backbone.

    The new run predicts old and new classes; the old one stays as it is. From three images of a
    class on, some are kept to test with.

    Examples:

    `keras-rbi add-classes runs/birds-1 newcomers/`

    `keras-rbi add-classes runs/birds-1 newcomers/ --allow-loss 3 --output runs/birds-more`
    """
    with one_line_errors(), one_line_warnings():
        find_model(run)
        folder = RunFolder(output or next_run_folder(run.resolve().parent, run.resolve().name))
        start_backend()
        with progress_bars("Looking at the {} images", "Listing the images") as progress:
            found = training.add_classes_to_run(
                run, images, folder, refit, allow_loss / 100, progress
            )
    if asked.json:
        print_json({"folder": str(folder.path), **found.as_dict()})
        return
    console.print(_table(found))
    if found.lost:
        _warn(found)
    where = shlex.quote(str(folder.path))
    console.print(f"Run folder {one_line(str(folder.path))}", highlight=False, soft_wrap=True)
    advise(f"Next: keras-rbi evaluate {where}")


def _table(found: "AddedToRun") -> Table:
    count = len(found.class_names)
    table = Table(title=f"Top-1 accuracy on the test images (%), {count} classes added")
    table.add_column("test images of")
    table.add_column("before", justify="right")
    table.add_column("after", justify="right")
    old = [f"{100 * value:.1f}" for value in (found.old_before, found.old_after)]
    table.add_row("old classes", *old)
    table.add_row("new classes", "", f"{100 * found.new_after:.1f}")
    table.add_row("all classes", "", f"{100 * found.all_after:.1f}")
    return table


def _warn(found: "AddedToRun") -> None:
    some = sorted(found.lost.items(), key=lambda item: item[1])[:SHOWN]
    listed = ", ".join(f"{one_line(name)} ({change:+.1f})" for name, change in some)
    more = ", ..." if len(found.lost) > SHOWN else ""
    line = (
        f"{len(found.lost)} old classes lose more than 1 point: {listed}{more}. Hold the new ones "
        "back more (--allow-loss 0), or train with all classes."
    )
    errors.print(
        f"[yellow]warning[/yellow] {marked(line)}", highlight=False, soft_wrap=True, markup=True
    )
