"""`keras-rbi evaluate`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keras_rbi import evaluation, figures, training
from keras_rbi.atomic_write import atomic_files
from keras_rbi.cli.common_options import reports
from keras_rbi.cli.destination import check_folder
from keras_rbi.cli.loading import load
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
    say,
)
from keras_rbi.datasets.catalogue import note_on
from keras_rbi.seed_range import LARGEST_SEED
from keras_rbi.strict_json import strict_json

if TYPE_CHECKING:
    from keras_rbi.evaluation import (
        Details,
        EvaluationProtocol,
        MistakenImages,
        ObservationScores,
    )

BATCH_SIZES = "1,8,32,128"


@reports
def evaluate(
    model: Annotated[Path, typer.Argument(help="A run folder, or a .keras file.")],
    dataset: Annotated[
        str | None,
        typer.Option(help="As in train; its test split is taken. [default: the run's]"),
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="As in train. [default: the run's]")] = None,
    batch_sizes: Annotated[
        str,
        typer.Option(help="Test batch sizes for relations `batch`, with commas."),
    ] = BATCH_SIZES,
    orders: Annotated[
        int,
        typer.Option(min=1, help="Shuffled orders of the test images for each batch size."),
    ] = 5,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=LARGEST_SEED,
            help="Of test images that are made or drawn anew. [default: the run's, or 0]",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write evaluation.csv, .json, .png and .svg to, and what is wrong: "
            "mistakes.csv and mistakes.html."
        ),
    ] = None,
    details: Annotated[
        bool,
        typer.Option(
            "--details",
            help="Also classes, what is confused with what, and what the attention is like; with "
            "--output, their tables and figures.",
        ),
    ] = False,
    observations: Annotated[
        str | None,
        typer.Option(
            help="As in train: which test images show one thing. [default: the run's]",
            metavar="PATTERN",
        ),
    ] = None,
    views: Annotated[
        int,
        typer.Option(
            min=1, help="Also the accuracy of predictions from so many views, as predict."
        ),
    ] = 1,
    spreadsheet: Annotated[
        bool,
        typer.Option("--spreadsheet", help="CSV of names as predict --spreadsheet has it."),
    ] = False,
) -> None:
    """Measure a model on the test split, for each relations mode, test batch size and order.

    Top-1 and top-5 accuracy, loss and expected calibration error: over shuffled orders of the test
    images, and in the order sorted by class, in which a batch gives the label away. Where it is
    known which images show one thing, also of one prediction from 1, 2, 4, 8 ... of them.

    Examples:

    `keras-rbi evaluate runs/typefaces-1 --batch-sizes 1,32`

    `keras-rbi evaluate runs/typefaces-1 --orders 10 --output measured`
    """
    if spreadsheet and output is None:
        fail("--spreadsheet is for the tables of --output. Name a folder for them.")
    check_folder(output, "--output")
    with one_line_errors(), one_line_warnings() as warned:
        sizes = numbers_of(batch_sizes, "--batch-sizes")
        augment = training.augmentation_for_views(model) if views > 1 else None
        network, class_names = load(model)
        with doing("Reading the test images"):
            test, settings = training.data_for_model(
                model, network, class_names, dataset, data_dir, seed, observations
            )
            training.refuse_seen_images(model, settings, test.data, seed)
            calibration = training.observation_calibration(model)
    with progress_bars("Extracting features of the test images") as progress:
        extracted = evaluation.extract_features(network, test, details, progress)
    with progress_bars("Measuring in batches") as progress:
        found = evaluation.protocol_of(extracted, sizes, range(orders), progress=progress)
    with doing("Measuring each relations mode"):
        accuracies = evaluation.accuracies_of(extracted, sizes)
        more = evaluation.Details(extracted, test.data) if details else None
        things = evaluation.observation_scores(extracted, test.observations, calibration)
    of_views = None
    if augment is not None:
        with doing(f"Predicting {views} views of each image"):
            top1 = evaluation.accuracy_of_views(network, test, views, augment)
        of_views = {"views": views, "augment": augment, "top1": top1}
    content = {
        "test_images": test.num_images,
        "test_order": f"shuffled once, seed {settings.seed}",
        "test_note": note_on(settings.dataset),
        "warnings": warned,
        "accuracy": [row.as_dict() for row in accuracies],
        "relations": evaluation.relations_of(network),
        **found.as_dict(),
        **({"views": of_views} if of_views else {}),
        **({"observations": things.as_dict()} if things else {}),
        **({"details": more.as_dict()} if more else {}),
    }
    if asked.json:
        print_json(content)
    else:
        console.print(found.table())
        if content["relations"] != "none":
            console.print(f"The model itself predicts with relations {content['relations']!r}.")
        if of_views:
            console.print(
                f"With {views} views of each image: top-1 {100 * top1:.1f} %.", highlight=False
            )
        if things:
            console.print(things.table())
        if more:
            for table in more.tables():
                console.print(table)
            if more.attention is not None:
                console.print(more.attention.summary())
        if content["test_note"]:
            console.print(content["test_note"])
    if output is not None:
        with doing("Writing tables and pages"):
            mistaken = evaluation.MistakenImages(extracted, test)
            page = figures.mistakes_report(mistaken, model.absolute().name).html()
            _write(output, found, content, things, more, mistaken, page, spreadsheet)
        if not asked.json:
            console.print(
                f"Tables and figures: {one_line(str(output))}", highlight=False, soft_wrap=True
            )
    if dataset is None and data_dir is None and seed is None and observations is None:
        _update_card(model, content)


def _update_card(model: Path, content: dict[str, object]) -> None:
    """Brings the model card of a finished run up to date with what was measured of its model."""
    folder = training.RunFolder.around(model)
    if not folder.is_finished or (model.is_file() and model.name != folder.model.name):
        return
    try:
        file = training.update_model_card(folder.path, content)
    except (OSError, ValueError) as error:
        say(f"The model card was not brought up to date: {error}", sys.stderr)
        return
    if file is not None and not asked.json:
        console.print(f"Model card: {one_line(str(file))}", highlight=False, soft_wrap=True)


def _write(
    folder: Path,
    found: "EvaluationProtocol",
    content: dict[str, object],
    things: "ObservationScores | None",
    more: "Details | None",
    mistaken: "MistakenImages",
    page: str,
    spreadsheet: bool,
) -> None:
    with atomic_files(folder) as unfinished:
        (unfinished / "evaluation.csv").write_text(found.csv(), "utf-8")
        (unfinished / "evaluation.json").write_text(strict_json(content, indent=2) + "\n", "utf-8")
        figures.save_figures(unfinished, {"evaluation": figures.protocol_figure(found)})
        _write_text(unfinished / "mistakes.csv", mistaken.csv(spreadsheet))
        (unfinished / "mistakes.html").write_text(page, "utf-8", "backslashreplace")
        if things:
            (unfinished / "observations.csv").write_text(things.csv(), "utf-8")
            drawn = {"observations": figures.observations_figure(things)}
            figures.save_figures(unfinished, drawn)
        if more:
            for name, text in more.csv_files(spreadsheet).items():
                _write_text(unfinished / name, text)
            figures.save_figures(unfinished, figures.details_figures(more))


def _write_text(path: Path, text: str) -> None:
    """Writes a table whose names may be bytes that are no text."""
    path.write_text(text, "utf-8", "surrogateescape", newline="")


def numbers_of(text: str, option: str) -> list[int]:
    """Positive numbers that an option was given with commas."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"{option} takes positive numbers with commas, not {text!r}.")
    return list(dict.fromkeys(int(part) for part in parts))
