"""`keras-rbi compare`."""

from pathlib import Path
from typing import Annotated

import typer

from keras_rbi import evaluation, training
from keras_rbi.cli.backend import start_backend
from keras_rbi.cli.common_options import reports
from keras_rbi.cli.loading import load
from keras_rbi.cli.output import (
    asked,
    console,
    doing,
    one_line_errors,
    one_line_warnings,
    print_json,
)
from keras_rbi.datasets.catalogue import note_on
from keras_rbi.seed_range import LARGEST_SEED
from keras_rbi.training.run_folder import find_model

REPEATS = 10


@reports
def compare(
    run_a: Annotated[Path, typer.Argument(help="A run folder, or a .keras file.")],
    run_b: Annotated[Path, typer.Argument(help="Another.")],
    dataset: Annotated[
        str | None,
        typer.Option(help="As in train; its test split is taken. [default: that of RUN_A]"),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="As in train. [default: that of RUN_A]")
    ] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Of the test batches and of the batch that is timed.")
    ] = 32,
    seed: Annotated[
        int,
        typer.Option(
            min=0, max=LARGEST_SEED, help="Of the order of the test images and of the bootstrap."
        ),
    ] = 0,
    repeats: Annotated[
        int, typer.Option(min=0, help="Timed batches of each; 0: neither time nor memory.")
    ] = REPEATS,
) -> None:
    """Compare two models over the same test images.

    The difference in accuracy with a bootstrap interval and McNemar's test, parameters, time for an
    image, taken in turns, and peak memory. Each predicts in the relations mode it was saved in, and
    reads the files at its own image size.

    Example: `keras-rbi compare runs/typefaces-1 runs/typefaces-2`
    """
    with one_line_errors(), one_line_warnings() as warned:
        for run in (run_a, run_b):
            find_model(run)
        start_backend()
        model_a, classes_a = load(run_a)
        model_b, classes_b = load(run_b)
        named = not any(names[0].startswith("class ") for names in (classes_a, classes_b))
        if named and classes_a != classes_b:
            raise ValueError(f"{str(run_a)!r} and {str(run_b)!r} have different classes.")
        test, settings = training.data_for_model(run_a, model_a, classes_a, dataset, data_dir)
        for run in (run_a, run_b):
            training.warn_of_seen_images(run, settings.dataset, test.data)
        with doing(f"Predicting {test.num_images:,} test images with both, and timing them"):
            found = evaluation.compare(
                model_a,
                model_b,
                test,
                batch_size,
                seed,
                repeats=repeats,
                names=(str(run_a), str(run_b)),
            )
    note = note_on(settings.dataset)
    if asked.json:
        print_json({**found.as_dict(), "test_note": note, "warnings": warned})
        return
    console.print(found.table())
    console.print(found.summary())
    if note:
        console.print(note)
