"""`keras-rbi explain`."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape

from keras_rbi.atomic_write import write_atomically
from keras_rbi.cli.output import console, fail, one_line_errors
from keras_rbi.explanations.class_activation import check_method
from keras_rbi.explanations.image_batch import image_files, read_images
from keras_rbi.figures.contact_sheet import evenly
from keras_rbi.figures.explanation_report import explanation_report
from keras_rbi.training.run_folder import RunFolder
from keras_rbi.training.trained_model import image_size_of, load_trained_model

# As many images as a map of features can show, and a laptop embed in a moment.
MOST_IMAGES = 500


def explain(
    model: Annotated[Path, typer.Argument(help="A run folder, or a .keras file.")],
    images: Annotated[
        Path,
        typer.Argument(
            help="A folder of images. Those in folders named after a class are known to be of it."
        ),
    ],
    output: Annotated[Path, typer.Option(help="The HTML report to write.")] = Path(
        "explanation.html"
    ),
    figures: Annotated[
        Path | None,
        typer.Option(help="A folder to save each figure to, as PNG and SVG."),
    ] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, max=32, help="How many images to explain, as one batch.")
    ] = 8,
    method: Annotated[
        str, typer.Option(help="`grad_cam`, `hires_cam` or `layer_cam`.")
    ] = "grad_cam",
) -> None:
    """Show what a model looks at in images, and what they do to each other, in an HTML report.

    Of a folder with more images, some are taken at even distances.

    Example: `keras-rbi explain runs/typefaces-1 runs/typefaces-1/examples`
    """
    if not output.absolute().parent.is_dir():
        fail(f"There is no folder {str(output.absolute().parent)!r} to write --output to.")
    with one_line_errors():
        check_method(method)
        files = list(evenly(np.array(image_files(images)), MOST_IMAGES))
        network, class_names = load_trained_model(model)
        report = explanation_report(
            network,
            read_images(images, files, image_size_of(network), class_names),
            class_names,
            batch_size,
            method,
            model_name=str(model),
            images_name=images.absolute().name,
            metrics=RunFolder.around(model).read_metrics(),
        )
    write_atomically(output, lambda path: path.write_text(report.html(), "utf-8"))
    console.print(f"HTML report: {escape(str(output))}", highlight=False, soft_wrap=True)
    if figures is not None:
        report.save_figures(figures)
        console.print(f"Figures: {escape(str(figures))}", highlight=False, soft_wrap=True)
