"""`keras-rbi predict`."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from keras_rbi.atomic_write import write_atomically
from keras_rbi.cli.output import errors, fail, one_line_errors, progress_bars
from keras_rbi.cli.predictions import WRITERS, Prediction, Write, write_lines, write_tables
from keras_rbi.evaluation.classification_scores import probabilities_of
from keras_rbi.evaluation.predict_files import FilePrediction, find_images, predict_files
from keras_rbi.evaluation.top_classes import top_classes
from keras_rbi.models.head_activation import head_activation
from keras_rbi.models.keras_classifier import relations_of
from keras_rbi.training.trained_model import image_size_of, load_trained_model

TABLE = "table"
FORMATS = (TABLE, *WRITERS)
# More tables than that are a wall.
MOST_TABLES = 20


def predict(
    model: Annotated[Path, typer.Argument(help="A run folder, or a .keras file.")],
    images: Annotated[
        list[Path],
        typer.Argument(
            help="Image files of any size, and folders, which are searched to the bottom."
        ),
    ],
    top: Annotated[int, typer.Option(min=1, help="How many of the likeliest classes to give.")] = 5,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="`table`, which for more than 20 images is a line for each; `csv`; `jsonl`, a "
            "JSON object on each line; or `json`. [default: as --output is called, else table]",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="The file to write to. [default: the terminal]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Images that the model is given at once.")
    ] = 32,
) -> None:
    """Name the likeliest classes of each image, of a few or of many thousand.

    Predictions come in the order in which they are named, those of a folder sorted. Those that
    cannot be read are listed at the end with the reason, and the exit code is 1.

    Examples:

    `keras-rbi predict runs/typefaces-1 photo.jpg`

    `keras-rbi predict runs/birds-1 photos/ --top 3 --output predictions.csv`
    """
    form = _format(form, output, as_json)
    if output is not None and not output.absolute().parent.is_dir():
        fail(f"There is no folder {str(output.absolute().parent)!r} to write --output to.")
    with one_line_errors():
        network, class_names = load_trained_model(model)
        size = image_size_of(network)
        files = find_images(images)
    write = WRITERS.get(form) or (write_tables if len(files) <= MOST_TABLES else write_lines)
    unreadable: list[FilePrediction] = []

    activation = head_activation(network)

    def probabilities(pixels: np.ndarray) -> np.ndarray:
        return probabilities_of(network.predict_on_batch(pixels), activation)

    def predictions(progress: Callable[[str, int, int], None]) -> Iterator[Prediction]:
        found = predict_files(probabilities, files, size, batch_size)
        for done, each in enumerate(found, 1):
            if each.probabilities is None:
                unreadable.append(each)
            else:
                best = top_classes(each.probabilities, class_names, top)
                yield {"image": str(each.path), "top": best}
            progress("", done, len(files))

    with one_line_errors(), _progress(output) as progress:
        _write(write, predictions(progress), output)
    if relations_of(network) == "batch" and len(files) > 1:
        errors.print(
            "This model relates the images of a batch: each prediction depends on the other images "
            "of its batch. Predict one image at a time (--batch-size 1), or set model.relations = "
            "'self'.",
            highlight=False,
            soft_wrap=True,
        )
    if unreadable:
        print(f"{len(unreadable)} of {len(files)} images cannot be read:", file=sys.stderr)
        for each in unreadable:
            print(f"  {each.error}", file=sys.stderr)
        raise typer.Exit(1)


def _format(form: str | None, output: Path | None, as_json: bool) -> str:
    if as_json and form not in (None, "json"):
        fail(f"--json and --format {form} contradict each other. Leave out one.")
    if form is not None and form not in FORMATS:
        fail(f"There is no format {form!r}. Use one of {', '.join(FORMATS)}.")
    if form or as_json:
        return form or "json"
    suffix = "" if output is None else output.suffix.lower().lstrip(".")
    return suffix if suffix in WRITERS else TABLE


@contextmanager
def _progress(output: Path | None) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on the error stream, where that is a terminal and no predictions scroll by there."""
    if errors.is_terminal and (output is not None or not sys.stdout.isatty()):
        with progress_bars("Predicting", on=errors) as progress:
            yield progress
    else:
        yield lambda *_: None


def _write(write: Write, predictions: Iterable[Prediction], output: Path | None) -> None:
    if output is None:
        write(predictions, sys.stdout)
        return

    def to(path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            write(predictions, file)

    write_atomically(output, to)
