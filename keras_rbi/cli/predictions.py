"""Predictions for image files, written one by one as tables, lines, CSV or JSON."""

import csv
import json
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from rich.table import Table

from keras_rbi.cli.output import PrintableConsole, one_line
from keras_rbi.evaluation.spreadsheet import spreadsheet_cell
from keras_rbi.strict_json import strict_json

Prediction = dict[str, Any]
Write = Callable[[Iterable[Prediction], TextIO], None]


def name_of(prediction: Prediction) -> str:
    """What a prediction is for: an image, or an observation."""
    return str(prediction.get("observation", prediction.get("image")))


def _verdict(prediction: Prediction) -> str:
    """`right`, or what it is instead; nothing where the truth is not known."""
    if prediction.get("truth") is None:
        return ""
    return "right" if prediction["right"] else f"wrong, is {prediction['truth']}"


def write_tables(predictions: Iterable[Prediction], file: TextIO) -> None:
    """A table for each image; of an observation also what each of its images adds, in nats."""
    console = PrintableConsole(file)
    for prediction in predictions:
        # No title, which a table breaks at its own width.
        verdict = _verdict(prediction)
        image = one_line(name_of(prediction) + (f" ({verdict})" if verdict else ""))
        console.print(image, style="italic", highlight=False, soft_wrap=True)
        table = Table()
        table.add_column("class")
        table.add_column("probability (%)", justify="right")
        for row in prediction["top"]:
            table.add_row(one_line(row["class"]), f"{100 * row['probability']:.1f}")
        console.print(table)
        for row in prediction.get("images", ()):
            line = f"{row['support']:+6.2f}  {row['class']}  {row['image']}"
            console.print(one_line(line), highlight=False, soft_wrap=True)


def write_lines(predictions: Iterable[Prediction], file: TextIO) -> None:
    """A line for each image, with its likeliest class."""
    console = PrintableConsole(file)
    for prediction in predictions:
        best = prediction["top"][0]
        line = f"{100 * best['probability']:5.1f} %  {best['class']}  {name_of(prediction)}"
        if verdict := _verdict(prediction):
            line += f"  ({verdict})"
        console.print(one_line(line), highlight=False, soft_wrap=True)


def write_csv(predictions: Iterable[Prediction], file: TextIO) -> None:
    """A row for each image: its name, and class and probability of each of the likeliest.

    Where the class of some is known also that, and whether the likeliest is it; of observations
    the number of images, and as JSON what each of them adds.
    """
    # A file holds names as they are, a terminal would obey some.
    _write_csv(predictions, file, one_line if file.isatty() else str)


def write_spreadsheet(predictions: Iterable[Prediction], file: TextIO) -> None:
    """As `write_csv`, with all text in quotes and none that a spreadsheet takes for a formula."""
    _write_csv(predictions, file, spreadsheet_cell, csv.QUOTE_NONNUMERIC)


def _write_csv(
    predictions: Iterable[Prediction],
    file: TextIO,
    cell: Callable[[str], str],
    quoting: int = csv.QUOTE_MINIMAL,
) -> None:
    writer = csv.writer(file, lineterminator="\n", quoting=quoting)  # type: ignore[arg-type]
    for number, prediction in enumerate(predictions):
        if not number:
            ranks = range(1, len(prediction["top"]) + 1)
            names = [name for rank in ranks for name in (f"class_{rank}", f"probability_{rank}")]
            of_images = ["images", "supports"] if "images" in prediction else []
            first = "observation" if "observation" in prediction else "image"
            judged = ["truth", "right"] if "truth" in prediction else []
            writer.writerow([first, *names, *judged, *of_images])
        writer.writerow(
            [
                cell(name_of(prediction)),
                *(
                    value
                    for row in prediction["top"]
                    for value in (cell(row["class"]), row["probability"])
                ),
                *_cells_of_truth(prediction, cell),
                *_cells_of_images(prediction, cell),
            ]
        )


def _cells_of_truth(prediction: Prediction, cell: Callable[[str], str]) -> list[str]:
    if "truth" not in prediction:
        return []
    truth = prediction["truth"]
    return ["", ""] if truth is None else [cell(truth), json.dumps(prediction["right"])]


def _cells_of_images(prediction: Prediction, cell: Callable[[str], str]) -> list[Any]:
    if "images" not in prediction:
        return []
    supports = {row["image"]: round(row["support"], 4) for row in prediction["images"]}
    return [len(supports), cell(json.dumps(supports))]


def write_json_lines(predictions: Iterable[Prediction], file: TextIO) -> None:
    """A JSON object on a line for each image."""
    for prediction in predictions:
        file.write(strict_json(prediction) + "\n")


def write_json(predictions: Iterable[Prediction], file: TextIO) -> None:
    """A JSON list with an object for each image."""
    separator = "[\n"
    for prediction in predictions:
        file.write(separator + strict_json(prediction, indent=2))
        separator = ",\n"
    file.write("\n]\n" if separator == ",\n" else "[]\n")


WRITERS: dict[str, Write] = {"csv": write_csv, "jsonl": write_json_lines, "json": write_json}
