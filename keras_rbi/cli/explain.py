"""`keras-rbi explain`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.markup import escape

from keras_rbi.cli.output import console, fail, one_line_errors
from keras_rbi.datasets.files.reading import IMAGE_SUFFIXES, read_image
from keras_rbi.explanations.class_activation import check_method
from keras_rbi.figures.contact_sheet import evenly
from keras_rbi.figures.explanation_report import Batch, embedding_section, explanation, run_facts
from keras_rbi.figures.html_report import Section, page
from keras_rbi.training.run_folder import RunFolder, write_atomically
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
    output: Annotated[Path, typer.Option(help="The page to write.")] = Path("explanation.html"),
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
    """Show what a model looks at in images, and what they do to each other, on one HTML page.

    Of a folder with more images, some are taken at even distances.

    Example: `keras-rbi explain runs/typefaces-1 runs/typefaces-1/examples`
    """
    if not output.absolute().parent.is_dir():
        fail(f"There is no folder {str(output.absolute().parent)!r} to write --output to.")
    with one_line_errors():
        check_method(method)
        files = evenly(np.array(_files(images)), MOST_IMAGES)
        network, class_names = load_trained_model(model)
        size = image_size_of(network)
        chosen = evenly(files, batch_size)
        batch = _read(images, chosen, size, class_names)
        sections = [
            run_facts(str(model), network, _metrics(model)),
            *explanation(network, class_names, batch, method),
            *embedding_section(network, class_names, _read(images, files, size, class_names)),
        ]
    count = f"{len(chosen)} image" + ("s" if len(chosen) > 1 else "")
    title = f"What {model.absolute().name} sees in {images.absolute().name}"
    text = page(title, f"{count} of {len(files)}, explained as one batch.", sections)
    write_atomically(output, lambda path: path.write_text(text, "utf-8"))
    console.print(f"Page: {escape(str(output))}", highlight=False, soft_wrap=True)
    if figures is not None:
        _save(sections, figures)
        console.print(f"Figures: {escape(str(figures))}", highlight=False, soft_wrap=True)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ValueError(f"There is no folder {str(folder)!r}. Name a folder of image files.")
    files = [path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES]
    if not files:
        raise ValueError(
            f"There is no image in {str(folder)!r}. Files that end in "
            f"{', '.join(sorted(IMAGE_SUFFIXES))} are taken."
        )
    return sorted(files)


def _read(folder: Path, files: np.ndarray, size: int, class_names: list[str]) -> Batch:
    numbers = {name: number for number, name in enumerate(class_names)}
    names = [path.relative_to(folder) for path in files]
    labels = [
        next((numbers[part] for part in reversed(name.parts[:-1]) if part in numbers), -1)
        for name in names
    ]
    pixels = np.stack([read_image(path, size) for path in files])
    return Batch([name.as_posix() for name in names], pixels, np.array(labels))


def _metrics(model: Path) -> dict[str, Any]:
    folder = RunFolder(model if model.is_dir() else model.parent)
    if folder.is_finished:
        return json.loads(folder.metrics.read_text("utf-8"))
    return {}


def _save(sections: Sequence[Section], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for section in sections:
        figure = section.figure
        if figure is not None:
            for suffix in ("png", "svg"):
                figure.savefig(folder / f"{section.name}.{suffix}", dpi=150)
