"""What the programs of the paper's figures share: trained models, images, a CSV file."""

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from rich.console import Console
from rich.table import Table as RichTable

from applications.paper.arguments import backbones_of, parser, run_of, seeds_of
from applications.paper.experiment import trained
from applications.paper.peers import DEFAULT, PAPER
from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.training import keep_freed_memory


def options_of(arguments: Sequence[str] | None, description: str | None, name: str) -> Any:
    """The options of a program of pictures, which is of one backbone and one seed."""
    made = parser(description, name)
    made.add_argument(
        "--rbi", choices=(PAPER, DEFAULT), default=PAPER, help="as printed, or the default here"
    )
    made.add_argument("--images", type=int, default=8, help="images in the figure (default: 8)")
    options = made.parse_args(arguments)
    keep_freed_memory()
    return options


def model_of(options: Any, peer: str) -> tuple[keras.Model, ImageSequence]:
    """Trains a peer with the first of the backbones, sizes and seeds; gives the test images too."""
    run = run_of(
        options, peer, backbones_of(options)[0], options.per_class[0], seeds_of(options)[0]
    )
    return trained(run)


def some_images(test: ImageSequence, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first test images in their shuffled order, and their labels."""
    images, labels = test.with_batch_size(count, last_batch="keep")[0][:2]
    return np.asarray(images), np.asarray(labels)


def write(
    options: Any, rows: Sequence[dict[str, Any]], figure: Figure, notes: Sequence[str] = ()
) -> None:
    """Prints rows as a table, and writes them and the figure.

    Args:
        options: Those of the program.
        rows: Dictionaries with the same keys.
        figure: The figure.
        notes: Lines to print below the table.
    """
    output = Path(options.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    console = Console(width=None if sys.stdout.isatty() else 160)
    table = RichTable(*rows[0])
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console.print(table)
    for note in notes:
        console.print(note, highlight=False)
    picture = output.with_suffix(".png")
    _save(figure, picture)
    console.print(f"Rows: {output}\nFigure: {picture}", highlight=False)


def _save(figure: Figure, file: Path) -> None:
    """Saves a figure with 256 colours: images of noise take a third of the room so."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=150)
    with Image.open(drawn) as picture:
        few = picture.convert("RGB").quantize(256, kmeans=3, dither=Image.Dither.NONE)
    few.save(file, optimize=True)


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
