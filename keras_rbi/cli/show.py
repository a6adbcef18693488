"""`keras-rbi datasets show`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from keras_rbi import datasets, figures
from keras_rbi.atomic_write import write_atomically
from keras_rbi.cli.backend import start_backend
from keras_rbi.cli.common_options import reports
from keras_rbi.cli.datasets import make_ready
from keras_rbi.cli.destination import check_file
from keras_rbi.cli.output import (
    PATIENCE,
    asked,
    console,
    doing,
    fail,
    one_line,
    one_line_errors,
    one_line_warnings,
    print_json,
)
from keras_rbi.datasets.augmentation import PAPER
from keras_rbi.datasets.batches.sampling import OBSERVATIONS, PK
from keras_rbi.datasets.catalogue import TYPEFACES
from keras_rbi.seed_range import LARGEST_SEED
from keras_rbi.training.choices import NO_AUGMENTATION

FORMATS = (".png", ".svg")
# Large enough to judge an image by, small enough for a sheet of hundreds.
SIDE = 96


@reports
def show(
    name: Annotated[
        str, typer.Argument(help="A name that keras-rbi datasets lists, a folder, or a CSV file.")
    ],
    data_dir: Annotated[
        Path | None,
        typer.Option(help="The folder with the archives, or with what was extracted from them."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The picture: a .png or .svg file.")] = Path(
        "sheet.png"
    ),
    split: Annotated[str, typer.Option(help="`train`, `validation` or `test`.")] = "train",
    classes: Annotated[int, typer.Option(min=1, help="Most classes with a row of images.")] = 10,
    batches: Annotated[int, typer.Option(min=0, help="Batches to draw.")] = 2,
    batch_size: Annotated[int, typer.Option(min=1, help="Images in a batch.")] = 32,
    sampling: Annotated[
        str,
        typer.Option(help="`shuffled`, `balanced`, `pk` or `observations`, as train draws images."),
    ] = "shuffled",
    images_per_class: Annotated[
        int, typer.Option(min=1, help="With --sampling pk: images of each class in a batch.")
    ] = 4,
    images_per_observation: Annotated[
        int, typer.Option(min=1, help="With --sampling observations: images of each in a batch.")
    ] = 4,
    observations: Annotated[
        str | None,
        typer.Option(help="As in train: which images show one thing.", metavar="PATTERN"),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            help="`paper`, `torchvision`, `randaugment` or `none`, as train augments. [default: "
            "none for the typefaces and for images that are not trained on, else paper]"
        ),
    ] = None,
    image_size: Annotated[int, typer.Option(min=16, help="Side in pixels.")] = SIDE,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Of the order and the augmentation.")
    ] = 0,
    download: Annotated[
        bool, typer.Option("--download", help="Download what is missing, if it is public.")
    ] = False,
) -> None:
    """Draw images of each class, how many there are, and the first batches of a training.

    Examples:

    `keras-rbi datasets show typefaces --out sheet.png`

    `keras-rbi datasets show birds/ --sampling balanced --augment randaugment`
    """
    if out.suffix.lower() not in FORMATS:
        fail(f"--out must be a .png or .svg file. Received: {str(out)!r}.")
    check_file(out, "--out")
    if augment is None:
        augment = PAPER if split == "train" and name != TYPEFACES else NO_AUGMENTATION
    if sampling == PK and batch_size % images_per_class:
        fail("--images-per-class must divide --batch-size.")
    with one_line_errors(), one_line_warnings():
        if name != TYPEFACES:
            make_ready(name, data_dir, download)
        options: dict[str, Any] = {} if observations is None else {"observations": observations}
        with doing("Reading the data", PATIENCE):
            data = datasets.load(name, data_dir, split, image_size, seed, **options)
        start_backend()
        sequence = datasets.ImageSequence(
            data,
            batch_size,
            seed=seed,
            augment=None if augment == NO_AUGMENTATION else augment,
            sampling=sampling,
            classes_per_batch=batch_size // images_per_class if sampling == PK else None,
            images_per_class=images_per_class if sampling == PK else None,
            images_per_observation=images_per_observation if sampling == OBSERVATIONS else None,
        )
        # The first that `fit` trains on.
        sequence.epoch = 1
        with doing("Drawing"):
            drawn = [sequence[number] for number in range(min(batches, len(sequence)))]
            title = f"{Path(name).resolve().name if name != TYPEFACES else name}, {split}"
            figure = figures.contact_sheet(data, drawn, classes, title=title)
            write_atomically(out, lambda path: figure.savefig(path, dpi=150))
    if asked.json:
        print_json({"sheet": str(out)})
        return
    console.print(f"Contact sheet: {one_line(str(out))}", highlight=False, soft_wrap=True)
