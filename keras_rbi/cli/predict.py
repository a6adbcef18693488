"""`keras-rbi predict`."""

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from keras_rbi.cli.output import console, one_line_errors
from keras_rbi.cli.trained_model import image_size_of, load_trained_model
from keras_rbi.datasets.reading import read_image
from keras_rbi.models.rbi_model import RBIModel

TOP = 5
BATCH_SIZE = 32


def predict(
    model: Annotated[Path, typer.Argument(help="A run folder, or a .keras file.")],
    images: Annotated[list[Path], typer.Argument(help="Image files of any size.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Name the five likeliest classes of each image.

    Example: `keras-rbi predict runs/typefaces-1 photo.jpg`
    """
    with one_line_errors():
        network, class_names = load_trained_model(model)
        size = image_size_of(network)
        pixels = np.stack([read_image(path, size) for path in images])
    probabilities = network.predict(pixels, batch_size=BATCH_SIZE, verbose=0)
    best = np.argsort(-probabilities, axis=-1)[:, :TOP]
    answers: list[dict[str, Any]] = [
        {
            "image": str(path),
            "top": [
                {"class": class_names[number], "probability": float(row[number])}
                for number in order
            ],
        }
        for path, row, order in zip(images, probabilities, best, strict=True)
    ]
    if as_json:
        print(json.dumps(answers, indent=2))
        return
    for answer in answers:
        console.print(_table(answer))
    if isinstance(network, RBIModel) and network.relations == "batch" and len(images) > 1:
        console.print(
            "This model relates the images of a batch: each answer depends on the other images "
            "of this call. Ask for one image at a time, or set model.relations = 'self'."
        )


def _table(answer: dict[str, Any]) -> Table:
    table = Table(title=answer["image"], title_justify="left")
    table.add_column("class")
    table.add_column("probability (%)", justify="right")
    for row in answer["top"]:
        table.add_row(row["class"], f"{100 * row['probability']:.1f}")
    return table
