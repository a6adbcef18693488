"""`keras-rbi evaluate`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from keras_rbi.cli.output import console, one_line_errors, one_line_warnings
from keras_rbi.datasets.catalogue import note_on
from keras_rbi.evaluation.accuracy_by_relations import BATCH_SIZES, accuracies_of
from keras_rbi.evaluation.details import Details
from keras_rbi.evaluation.evaluate_protocol import protocol_of
from keras_rbi.evaluation.extract_features import extract_features
from keras_rbi.evaluation.protocol import EvaluationProtocol
from keras_rbi.figures.details_figures import details_figures
from keras_rbi.figures.protocol_figure import protocol_figure
from keras_rbi.figures.save_figures import save_figures
from keras_rbi.models.keras_classifier import relations_of
from keras_rbi.training.data_for_model import data_for_model
from keras_rbi.training.trained_model import load_trained_model


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
    ] = ",".join(map(str, BATCH_SIZES)),
    orders: Annotated[
        int,
        typer.Option(min=1, help="Shuffled orders of the test images for each batch size."),
    ] = 5,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Of the test images. [default: the run's, or 0]"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder to write evaluation.csv, .json, .png and .svg to."),
    ] = None,
    details: Annotated[
        bool,
        typer.Option(
            "--details",
            help="Also classes, what is confused with what, and what the attention is like; with "
            "--output, their tables and figures.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure a model on the test split, for each relations mode, test batch size and order.

    Top-1 and top-5 accuracy, loss and expected calibration error: over shuffled orders of the test
    images, and in the order sorted by class, in which a batch gives the label away.

    Examples:

    `keras-rbi evaluate runs/typefaces-1 --batch-sizes 1,32`

    `keras-rbi evaluate runs/typefaces-1 --orders 10 --output measured`
    """
    with one_line_errors(), one_line_warnings():
        sizes = numbers_of(batch_sizes, "--batch-sizes")
        network, class_names = load_trained_model(model)
        test, settings = data_for_model(model, network, class_names, dataset, data_dir, seed)
    extracted = extract_features(network, test, keep_images=details)
    found = protocol_of(extracted, sizes, range(orders))
    more = Details(extracted, test.data) if details else None
    content = {
        "test_images": test.num_images,
        "test_order": f"shuffled once, seed {settings.seed}",
        "test_note": note_on(settings.dataset),
        "accuracy": [row.as_dict() for row in accuracies_of(extracted, sizes)],
        "relations": relations_of(network),
        **found.as_dict(),
        **({"details": more.as_dict()} if more else {}),
    }
    if as_json:
        print(json.dumps(content, indent=2))
    else:
        console.print(found.table())
        if content["relations"] != "none":
            console.print(f"The model itself predicts with relations {content['relations']!r}.")
        if more:
            for table in more.tables():
                console.print(table)
            if more.attention is not None:
                console.print(more.attention.summary())
        if content["test_note"]:
            console.print(content["test_note"])
    if output is not None:
        _write(output, found, content, more)
        if not as_json:
            console.print(f"Tables and figures: {output}", highlight=False)


def _write(
    folder: Path, found: EvaluationProtocol, content: dict[str, object], more: Details | None
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.csv").write_text(found.csv(), "utf-8")
    (folder / "evaluation.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    save_figures(folder, {"evaluation": protocol_figure(found)})
    if more:
        for name, text in more.csv_files().items():
            (folder / name).write_text(text, "utf-8", newline="")
        save_figures(folder, details_figures(more))


def numbers_of(text: str, option: str) -> list[int]:
    """Positive numbers that an option was given with commas."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"{option} takes positive numbers with commas, not {text!r}.")
    return list(dict.fromkeys(int(part) for part in parts))
