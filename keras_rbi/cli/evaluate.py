"""`keras-rbi evaluate`."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from keras_rbi.cli.output import (
    console,
    fail,
    one_line_errors,
    one_line_warnings,
    relations_table,
)
from keras_rbi.cli.trained_model import image_size_of, load_trained_model
from keras_rbi.datasets.catalogue import note_on
from keras_rbi.evaluation.accuracy_by_relations import BATCH_SIZES, accuracy_by_relations
from keras_rbi.training import RunFolder, TrainingSettings, load_split


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
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Of the test images and their order. [default: the run's, or 0]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure accuracy on the test split, for each relations mode and test batch size.

    Example: `keras-rbi evaluate runs/typefaces-1 --batch-sizes 1,32`
    """
    with one_line_errors(), one_line_warnings():
        sizes = _sizes(batch_sizes)
        network, class_names = load_trained_model(model)
        folder = RunFolder(model if model.is_dir() else model.parent)
        if folder.settings.is_file():
            settings = folder.read_settings()[0]
        elif dataset is None:
            fail(f"{str(model)!r} has no run folder beside it. Name the data with --dataset.")
        else:
            settings = TrainingSettings()
        settings = dataclasses.replace(
            settings,
            dataset=dataset or settings.dataset,
            source="files" if dataset else settings.source,
            data_dir=str(data_dir) if data_dir else (None if dataset else settings.data_dir),
            seed=settings.seed if seed is None else seed,
            image_size=image_size_of(network),
        )
        test = load_split(settings, "test")
        if test.class_names != class_names and not class_names[0].startswith("class "):
            raise ValueError(
                f"The data {settings.dataset!r} has other classes than the model: "
                f"{len(test.class_names)} from {test.class_names[0]!r} to "
                f"{test.class_names[-1]!r}, and {len(class_names)} from {class_names[0]!r} to "
                f"{class_names[-1]!r}."
            )
    rows = [row.as_dict() for row in accuracy_by_relations(network, test, sizes)]
    order = f"shuffled once, seed {settings.seed}"
    note = note_on(settings.dataset)
    if as_json:
        content = {
            "test_images": test.num_images,
            "test_order": order,
            "test_note": note,
            "accuracy": rows,
        }
        print(json.dumps(content, indent=2))
    else:
        console.print(relations_table(rows, test.num_images, order))
        if note:
            console.print(note)


def _sizes(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"--batch-sizes takes positive numbers with commas, not {text!r}.")
    return [int(part) for part in parts]
