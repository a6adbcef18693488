"""`keras-rbi explain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keras_rbi import figures as drawings
from keras_rbi import training
from keras_rbi.atomic_write import write_atomically
from keras_rbi.cli.common_options import reports
from keras_rbi.cli.destination import check_file, check_folder
from keras_rbi.cli.loading import load
from keras_rbi.cli.output import (
    asked,
    console,
    doing,
    one_line,
    one_line_errors,
    print_json,
    progress_bars,
)
from keras_rbi.cli.tell_predicted import tell_passed_over, tell_unreadable
from keras_rbi.datasets.files.find_images import find_images
from keras_rbi.explanations.image_batch import read_images
from keras_rbi.explanations.methods import check_method
from keras_rbi.training.run_folder import RunFolder

if TYPE_CHECKING:
    import keras

    from keras_rbi.datasets.image_data import ImageData

# As many images as a map of features can show, and a laptop embed in a moment.
MOST_IMAGES = 500


@reports
def explain(
    model: Annotated[Path, typer.Argument(help="A run folder, or a .keras file.")],
    images: Annotated[
        list[Path],
        typer.Argument(
            help="Image files, and folders, which are searched to the bottom. Those in folders "
            "named after a class are known to be of it."
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
        int,
        typer.Option(min=1, max=32, help="How many images to relate to each other, as one batch."),
    ] = 8,
    method: Annotated[
        str, typer.Option(help="`grad_cam`, `hires_cam` or `layer_cam`.")
    ] = "grad_cam",
    look_alikes: Annotated[
        int,
        typer.Option(
            min=0,
            max=12,
            help="Of each class, how many of the run's training images to show beside a photograph "
            "that look most like it. 0: the training images are not read.",
        ),
    ] = 3,
) -> None:
    """Show what a model says of photographs and why, and what it confuses, in an HTML report.

    Of more than 500 images, some are taken at even distances, and of these 40 are shown one by one.
    Those that cannot be read are listed at the end with the reason, and the exit code is 1.

    Examples:

    `keras-rbi explain runs/typefaces-1 runs/typefaces-1/examples`

    `keras-rbi explain runs/birds-1 photo.jpg`
    """
    check_file(output, "--output")
    check_folder(figures, "--figures")
    with one_line_errors():
        check_method(method)
        unread: list[str] = []
        files = find_images(images, unread)
        network, class_names = load(model)
        chosen = drawings.evenly(files, MOST_IMAGES)
        unreadable: list[str] = []
        with doing("Reading the images"):
            batch = read_images(
                images, chosen, training.image_size_of(network), class_names, unreadable
            )
        training_data, note = None, ""
        if look_alikes:
            with doing("Reading the training images of the run"):
                training_data, note = _training_data(model, network, class_names)
        with progress_bars("Explaining: {}") as progress:
            report = drawings.explanation_report(
                network,
                batch,
                class_names,
                batch_size,
                method,
                model_name=str(model),
                images_name=_told(images),
                metrics=RunFolder.around(model).read_metrics(),
                progress=progress,
                training_data=training_data,
                look_alikes=look_alikes,
                note=note,
            )
    html = report.html()
    write_atomically(output, lambda path: path.write_text(html, "utf-8", "backslashreplace"))
    saved = [] if figures is None else report.save_figures(figures)
    if asked.json:
        told = {"report": str(output), "figures": str(figures) if saved else None}
        print_json({**told, "unreadable": unreadable})
    else:
        _tell(output, figures, bool(saved))
    tell_passed_over(unread)
    tell_unreadable(unreadable, len(chosen))


def _tell(output: Path, figures: Path | None, saved: bool) -> None:
    console.print(f"HTML report: {one_line(str(output))}", highlight=False, soft_wrap=True)
    if saved:
        console.print(f"Figures: {one_line(str(figures))}", highlight=False, soft_wrap=True)
    elif figures is not None:
        console.print(
            "Figures: none to save. They are of relations that change predictions, which are "
            "not here; all else is in the report.",
            highlight=False,
            soft_wrap=True,
        )


def _told(images: list[Path]) -> str:
    """What the images are called together."""
    first = images[0].absolute().name
    return first if len(images) == 1 else f"{first} and {len(images) - 1} more"


def _training_data(
    model: Path, network: "keras.Model", class_names: list[str]
) -> "tuple[ImageData | None, str]":
    """The images that the run was trained on, or a sentence on why they are not there."""
    try:
        return training.training_data_of(model, network, class_names), ""
    except ValueError as error:
        return None, f"No training images are shown: {error}"
