"""`keras-rbi datasets doubtful`."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keras_rbi.atomic_write import write_atomically
from keras_rbi.cli.backend import start_backend
from keras_rbi.cli.common_options import reports
from keras_rbi.cli.destination import check_file
from keras_rbi.cli.output import (
    advise,
    asked,
    console,
    doing,
    fail,
    one_line_errors,
    one_line_warnings,
    print_json,
    progress_bars,
    say,
)
from keras_rbi.cli.require_weights import require_weights
from keras_rbi.cli.settings_options import as_arguments
from keras_rbi.datasets.catalogue import OWN_OPTIONS
from keras_rbi.datasets.files.corrections import read_corrections
from keras_rbi.seed_range import LARGEST_SEED
from keras_rbi.training.label_issues_of_run import FOLDS, LabelCheck, prepare_label_check
from keras_rbi.training.run_data import SPLITS
from keras_rbi.training.run_folder import RunFolder

if TYPE_CHECKING:
    from keras_rbi.evaluation import LabelIssues

MOST_PRINTED = 10


@reports
def doubtful(
    run: Annotated[Path, typer.Argument(help="A run folder, which says where the data lies.")],
    output: Annotated[
        Path, typer.Option(help="The table of suspects to correct labels in: a .csv file.")
    ] = Path("suspects.csv"),
    html: Annotated[
        Path | None,
        typer.Option(
            help="The page of suspects beside their look-alikes. [default: beside --output, as "
            ".html]"
        ),
    ] = None,
    splits: Annotated[
        str,
        typer.Option(help="Whose labels: of `train`, `validation` and `test`, with commas."),
    ] = ",".join(SPLITS),
    most: Annotated[int, typer.Option(min=1, help="Most suspects on the page.")] = 100,
    folds: Annotated[
        int, typer.Option(min=2, help="Each fold's labels are judged by the other folds.")
    ] = FOLDS,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="The backbone that gives features, with ImageNet weights. [default: the run's, as "
            "it was before training; EfficientNetLite0 of a run from scratch]"
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Its weights, as of train: they must not have seen these labels."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Of the folds.")] = 0,
) -> None:
    """Find labels worth doubting, show them beside look-alikes, and correct them in a table.

    A linear classifier on features of the backbone as it was before training, which has not learnt
    the wrong labels, judges each fold of the images by the others. The suspects are images that it
    is sure are of another class (confident learning).

    Write the right class into the column `corrected` of the table: its name, or `remove` to leave
    the image out. An empty cell leaves the label as it is. Then train with the table.

    Examples:

    `keras-rbi datasets doubtful runs/birds-1` - writes suspects.csv and suspects.html

    `keras-rbi train --dataset birds/ --corrections suspects.csv` - trains with what you wrote
    """
    page = output.with_suffix(".html") if html is None else html
    _check_places(output, page)
    with one_line_errors(), one_line_warnings():
        _refuse_filled(output)
        names = tuple(dict.fromkeys(splits.replace(",", " ").split()))
        with progress_bars("Looking at the {} images", "Listing the images") as progress:
            check = prepare_label_check(run, names, backbone, weights, progress)
        if check.settings.backbone != _backbone_of(run) and backbone is None and not asked.quiet:
            say(
                "The run began from scratch, so that its backbone knows these labels by heart: "
                f"the features are those of {check.settings.backbone}.",
                sys.stderr,
            )
        require_weights(check.settings)
        start_backend()
        with progress_bars("Checking the labels: {}") as progress:
            found = check.find(folds, seed, progress)
        with doing("Writing the table and the page"):
            _write(output, page, found, check, most)
    if asked.json:
        print_json(_as_dict(found, check, output, page))
    else:
        _print(found, check, output, page)


def _check_places(output: Path, page: Path) -> None:
    if output.suffix.lower() != ".csv":
        fail(f"--output must be a .csv file. Received: {str(output)!r}.")
    if page.suffix.lower() not in (".html", ".htm"):
        fail(f"--html must be an .html file. Received: {str(page)!r}.")
    for option, path in (("--output", output), ("--html", page)):
        check_file(path, option)


def _refuse_filled(output: Path) -> None:
    """Refuses to write over a table that a person has written into."""
    if output.is_file() and (filled := len(read_corrections(output))):
        fail(
            f"{str(output)!r} has {filled:,} corrections, which would be lost. Name another file "
            "with --output; it will have the corrections that the run was trained with."
        )


def _backbone_of(run: Path) -> str:
    return RunFolder.around(run).read_settings()[0].backbone


def _write(output: Path, page: Path, found: "LabelIssues", check: LabelCheck, most: int) -> None:
    from keras_rbi.figures import label_issues_report

    # The mark tells spreadsheets that names are in UTF-8.
    table = found.csv(check.corrections).encode("utf-8-sig", "surrogateescape")
    report = label_issues_report(found, Path(check.settings.dataset).name, most)
    write_atomically(output, lambda path: path.write_bytes(table))
    write_atomically(page, lambda path: path.write_text(report, "utf-8", "backslashreplace"))


def _as_dict(found: "LabelIssues", check: LabelCheck, output: Path, page: Path) -> dict[str, Any]:
    rows = found.rows()
    for row in rows:
        del row["corrected"]
    return {
        "table": str(output),
        "report": str(page),
        "images": len(found.data),
        "judged": int(found.judged.sum()),
        "accuracy": found.accuracy,
        "backbone": check.settings.backbone,
        "weights": check.settings.weights,
        "earlier_corrections": len(check.corrections),
        "suspects": rows,
    }


def _print(found: "LabelIssues", check: LabelCheck, output: Path, page: Path) -> None:
    def tell(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True)

    tell(found.summary)
    tell(
        f"Out of sample, features of {check.settings.backbone} agree with "
        f"{100 * found.accuracy:.1f} % of the labels."
    )
    for row in found.rows()[:MOST_PRINTED]:
        tell(
            f"{row['rank']}. {row['path']}: {row['given']} "
            f"({100 * row['probability_given']:.1f} %), or {row['suggested']} "
            f"({100 * row['probability_suggested']:.1f} %)?"
        )
    if check.corrections:
        tell(f"{len(check.corrections):,} earlier corrections are at the end of the table.")
    tell(f"Page: {page}")
    tell(f"Table: {output}")
    given = {name: getattr(check.settings, name) for name in ("dataset", "data_dir", *OWN_OPTIONS)}
    words = as_arguments({name: value for name, value in given.items() if value is not None})
    command = shlex.join(["keras-rbi", "train", *words, "--corrections", str(output)])
    advise(f"Next: fill in its column corrected, then {command}")
