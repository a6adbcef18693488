"""Predictions for image files, written one by one as tables, lines, CSV or JSON."""

import csv
import json
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

Prediction = dict[str, Any]
Write = Callable[[Iterable[Prediction], TextIO], None]


def write_tables(predictions: Iterable[Prediction], file: TextIO) -> None:
    """A table for each image."""
    console = _console(file)
    for prediction in predictions:
        # No title, which a table breaks at its own width.
        console.print(escape(prediction["image"]), style="italic", highlight=False, soft_wrap=True)
        table = Table()
        table.add_column("class")
        table.add_column("probability (%)", justify="right")
        for row in prediction["top"]:
            table.add_row(escape(row["class"]), f"{100 * row['probability']:.1f}")
        console.print(table)


def write_lines(predictions: Iterable[Prediction], file: TextIO) -> None:
    """A line for each image, with its likeliest class."""
    console = _console(file)
    for prediction in predictions:
        best = prediction["top"][0]
        line = f"{100 * best['probability']:5.1f} %  {best['class']}  {prediction['image']}"
        console.print(escape(line), highlight=False, soft_wrap=True)


def write_csv(predictions: Iterable[Prediction], file: TextIO) -> None:
    """A row for each image: its name, and class and probability of each of the likeliest."""
    writer = csv.writer(file, lineterminator="\n")
    for number, prediction in enumerate(predictions):
        if not number:
            ranks = range(1, len(prediction["top"]) + 1)
            names = [name for rank in ranks for name in (f"class_{rank}", f"probability_{rank}")]
            writer.writerow(["image", *names])
        writer.writerow(
            [prediction["image"], *(v for row in prediction["top"] for v in row.values())]
        )


def write_json_lines(predictions: Iterable[Prediction], file: TextIO) -> None:
    """A JSON object on a line for each image."""
    for prediction in predictions:
        file.write(json.dumps(prediction) + "\n")


def write_json(predictions: Iterable[Prediction], file: TextIO) -> None:
    """A JSON list with an object for each image."""
    separator = "[\n"
    for prediction in predictions:
        file.write(separator + json.dumps(prediction, indent=2))
        separator = ",\n"
    file.write("\n]\n" if separator == ",\n" else "[]\n")


WRITERS: dict[str, Write] = {"csv": write_csv, "jsonl": write_json_lines, "json": write_json}


def _console(file: TextIO) -> Console:
    return Console(file=file)
