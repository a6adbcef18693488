"""`keras-rbi datasets leaks`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keras_rbi.atomic_write import write_atomically
from keras_rbi.cli.common_options import reports
from keras_rbi.cli.datasets import make_ready
from keras_rbi.cli.destination import check_file
from keras_rbi.cli.output import (
    asked,
    console,
    doing,
    fail,
    one_line,
    one_line_errors,
    one_line_warnings,
    print_json,
    progress_bars,
)
from keras_rbi.datasets.files.duplicates import THRESHOLD_DB
from keras_rbi.datasets.splits import ALL_SPLITS
from keras_rbi.seed_range import LARGEST_SEED

if TYPE_CHECKING:
    from keras_rbi.evaluation import Leaks

FORMATS = (".html", ".png", ".svg")
# A copied split has thousands of pairs.
MOST_DRAWN, MOST_PRINTED = 200, 10


@reports
def leaks(
    name: Annotated[
        str, typer.Argument(help="A name that keras-rbi datasets lists, a folder, or a CSV file.")
    ],
    data_dir: Annotated[
        Path | None,
        typer.Argument(help="The folder with the archives, or with what was extracted from them."),
    ] = None,
    splits: Annotated[
        str,
        typer.Option(
            help="Two of `train`, `validation`, `trainval` and `test`, with a comma; one twice for "
            "duplicates within it."
        ),
    ] = "trainval,test",
    out: Annotated[
        Path | None,
        typer.Option(help="A report with the pairs side by side: an .html, .png or .svg file."),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(min=0.1, help="Decibels of similarity from which a pair is told."),
    ] = THRESHOLD_DB,
    flips: Annotated[
        bool, typer.Option("--flips/--no-flips", help="Whether to find mirrored images.")
    ] = True,
    on_error: Annotated[
        str, typer.Option(help="`raise` or `skip`: what to do about images that cannot be read.")
    ] = "raise",
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Of the splits that are drawn.")
    ] = 0,
    download: Annotated[
        bool, typer.Option("--download", help="Download what is missing, if it is public.")
    ] = False,
) -> None:
    """Find images of one split that are in another too, exactly or nearly.

    Copies that were recompressed, resized, brightened or mirrored are found, crops are not. Ends
    with the exit code 1 where there are any.

    Examples:

    `keras-rbi datasets leaks oxford_pets data/pets --out leaks.html`

    `keras-rbi datasets leaks birds/ --splits train,train` - the same image twice in training
    """
    from keras_rbi.evaluation.leaks import find_leaks

    one, _, other = splits.partition(",")
    if not {one, other} <= set(ALL_SPLITS):
        fail(f"--splits must be two of {', '.join(ALL_SPLITS)}, with a comma. Received: {splits}.")
    if out is not None and out.suffix.lower() not in FORMATS:
        fail(f"--out must be an .html, .png or .svg file. Received: {str(out)!r}.")
    check_file(out, "--out")
    with one_line_errors(), one_line_warnings():
        make_ready(name, data_dir, download)
        with progress_bars("Comparing: {}", "Listing the images") as progress:
            found = find_leaks(
                name, data_dir, (one, other), threshold, flips, on_error, seed, progress
            )
        if out is not None:
            with doing("Drawing the pairs"):
                _write(out, found)
    if asked.json:
        print_json(found.as_dict())
    else:
        _print(found, out)
    if found.pairs:
        raise typer.Exit(1)


def _write(out: Path, found: "Leaks") -> None:
    from keras_rbi.figures.duplicates_report import duplicates_report, duplicates_sheet

    if out.suffix.lower() == ".html":
        content = duplicates_report(found, MOST_DRAWN)
        write_atomically(out, lambda path: path.write_text(content, "utf-8", "backslashreplace"))
        return
    figure = duplicates_sheet(found, MOST_DRAWN)
    write_atomically(out, lambda path: figure.savefig(path, dpi=100))


def _print(found: "Leaks", out: Path | None) -> None:
    from keras_rbi.figures.duplicates_report import describe

    console.print(found.summary, highlight=False)
    for pair in found.pairs[:MOST_PRINTED]:
        line = f"{describe(pair)}: {' and '.join(found.names(pair))}"
        console.print(one_line(line), highlight=False, soft_wrap=True)
    if len(found.pairs) > MOST_PRINTED:
        more = len(found.pairs) - MOST_PRINTED
        console.print(f"and {more} more: --out draws them, --json lists them")
    if out is not None:
        console.print(f"Pairs: {one_line(str(out))}", highlight=False, soft_wrap=True)
    if found.note:
        console.print(found.note)
