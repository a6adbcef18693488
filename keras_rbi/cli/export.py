"""`keras-rbi export`."""

from pathlib import Path
from typing import Annotated

import typer

from keras_rbi.cli.output import fail, one_line_errors
from keras_rbi.cli.trained_model import load_trained_model
from keras_rbi.export import FORMATS, ExportError, export_model


def export(
    model: Annotated[Path, typer.Argument(help="A run folder, or a .keras file.")],
    output: Annotated[
        Path, typer.Option(help="Where to: a folder for tf_saved_model, else a file.")
    ],
    format: Annotated[str, typer.Option(help=", ".join(FORMATS) + ".")] = "tf_saved_model",
    relations: Annotated[
        str | None,
        typer.Option(help="self, references, or batch by name. [default: the model's]"),
    ] = None,
    inputs: Annotated[
        str,
        typer.Option(help="images, sets, or image_bytes; several with commas in a SavedModel."),
    ] = "images",
    top_k: Annotated[int, typer.Option(min=1, help="Likeliest classes in an answer.")] = 5,
) -> None:
    """Write a model in a format that answers without Keras, and check that it does.

    Example: `keras-rbi export runs/typefaces-1 --format onnx --output typefaces.onnx`
    """
    with one_line_errors():
        network, class_names = load_trained_model(model)
        try:
            export_model(
                network,
                output,
                format,
                relations=relations,
                inputs=[part.strip() for part in inputs.split(",")],
                top_k=top_k,
                class_names=class_names,
            )
        except ExportError as error:
            fail(str(error))
