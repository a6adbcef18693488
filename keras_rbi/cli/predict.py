"""`keras-rbi predict`."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from keras_rbi import evaluation, training
from keras_rbi.cli.common_options import reports
from keras_rbi.cli.destination import check_file
from keras_rbi.cli.loading import load
from keras_rbi.cli.merge_shards import merge_shards
from keras_rbi.cli.output import asked, errors, fail, one_line_errors
from keras_rbi.cli.parquet import check_parquet
from keras_rbi.cli.predict_shard import predict_shard
from keras_rbi.cli.prediction_format import PARQUET, prediction_format
from keras_rbi.cli.prediction_rows import image_rows, judged_rows, observation_rows
from keras_rbi.cli.predictions import (
    WRITERS,
    write_lines,
    write_spreadsheet,
    write_tables,
)
from keras_rbi.cli.tell_predicted import (
    progress_of_predictions,
    tell_passed_over,
    tell_right,
    tell_unreadable,
    tell_written,
)
from keras_rbi.cli.write_predictions import write_predictions
from keras_rbi.datasets.augmentation import PAPER
from keras_rbi.datasets.files.find_images import find_images
from keras_rbi.datasets.files.observation_names import files_of_observations
from keras_rbi.evaluation.truths_of_folders import truths_of_folders
from keras_rbi.training.run_folder import find_model

# More tables than that are a wall.
MOST_TABLES = 20


@reports
def predict(
    model: Annotated[
        Path | None, typer.Argument(help="A run folder, or a .keras file.", show_default=False)
    ] = None,
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Image files of any size, and folders, which are searched to the bottom.",
            show_default=False,
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many of the likeliest classes to give.")] = 5,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="`table`, which for more than 20 images is a line for each; `csv`; `jsonl`, a "
            "JSON object on each line; `json`; or `parquet`. [default: as --output ends, which is "
            "to name a format or nothing, else table]",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="The file to write to. [default: the terminal]")
    ] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Images that the model is given at once.")
    ] = 32,
    observations: Annotated[
        str | None,
        typer.Option(
            help="One prediction for several images of one thing: `folders`, for those of each "
            "folder; or a pattern of file names whose group says which thing they show, such as "
            "`(.+)_[0-9]+[.]jpg`.",
            metavar="PATTERN",
        ),
    ] = None,
    views: Annotated[
        int,
        typer.Option(
            min=1,
            help="Views of each image that its prediction is of: the image, and others drawn as "
            "the run augmented its images. As many times as long.",
        ),
    ] = 1,
    spreadsheet: Annotated[
        bool,
        typer.Option(
            "--spreadsheet",
            help="CSV for a spreadsheet: names in quotes, and an apostrophe before those that it "
            "would take for a formula.",
        ),
    ] = False,
    shard: Annotated[
        str | None,
        typer.Option(
            help="The part of a folder that this process predicts, such as `3/64`, into the folder "
            "--output. Run again, it goes on where it was ended.",
            metavar="N/OF",
        ),
    ] = None,
    merge: Annotated[
        Path | None,
        typer.Option(help="Predict nothing: put the shards in this folder into --output."),
    ] = None,
) -> None:
    """Name the likeliest classes of each image, of a few or of many thousand.

    Predictions come in the order in which they are named, those of a folder sorted. Where images
    lie in a folder named after a class, that is their truth, and each is told right or wrong. Those
    that cannot be read are listed at the end with the reason, and the exit code is 1.

    Examples:

    `keras-rbi predict runs/typefaces-1 photo.jpg`

    `keras-rbi predict runs/birds-1 photos/ --top 3 --output predictions.csv`

    `keras-rbi predict runs/birds-1 photos/ --observations folders` - one for each folder

    `keras-rbi predict runs/birds-1 photos/ --shard 3/64 --output predicted` - one part of 64

    `keras-rbi predict --merge predicted --output predictions.parquet`
    """
    if merge is not None:
        if model is not None or shard is not None:
            fail("--merge takes shards that are predicted. Leave out the model and --shard.")
        merge_shards(merge, prediction_format(form, output), output)
        return
    if model is None or not images:
        fail("Name a model and images: keras-rbi predict MODEL IMAGES...")
    if shard is not None:
        others = {"--format": form, "--observations": observations, "--spreadsheet": spreadsheet}
        others["--views"] = views > 1
        if given := [option for option, value in others.items() if value]:
            fail(f"--shard keeps JSON lines until --merge. Leave out {' and '.join(given)}.")
        predict_shard(model, images, shard, output, top, batch_size)
        return
    form = prediction_format(form, output)
    if spreadsheet and form != "csv":
        fail(f"--spreadsheet is for CSV, and the format is {form}. Add --format csv.")
    if views > 1 and observations is not None:
        fail("--views is for one image, and --observations for several. Leave out one.")
    check_file(output, "--output")
    if form == PARQUET and (output is None or observations is not None):
        fail("Parquet is for predictions of images, in a file. Add --output, or take csv or jsonl.")
    with one_line_errors():
        if form == PARQUET:
            check_parquet()
        find_model(model)
        augment = training.augmentation_for_views(model) if views > 1 else PAPER
        unread: list[str] = []
        files = find_images(images, unread)
        things = None if observations is None else files_of_observations(files, observations)
        network, class_names = load(model)
        # Which needs the backend, that `load` starts and tells of.
        calibration = training.observation_calibration(model)
    rows = files if things is None else things
    table = write_tables if len(rows) <= MOST_TABLES else write_lines
    write = write_spreadsheet if spreadsheet else WRITERS.get(form, table)
    unreadable: list[str] = []
    truths = truths_of_folders(files, images, class_names, things)
    counts: Counter[bool | None] = Counter()
    with one_line_errors(), progress_of_predictions(output) as progress:
        if things is None:
            found = image_rows(
                evaluation.classify_files(network, files, class_names, batch_size, views, augment),
                top,
                unreadable,
                progress,
                len(files),
            )
        else:
            found = observation_rows(
                evaluation.predict_observations(
                    network, things, class_names, calibration, batch_size=batch_size
                ),
                top,
                unreadable,
                progress,
                len(files),
            )
        found = judged_rows(found, truths, counts) if truths else found
        write_predictions(None if form == PARQUET else write, found, output)
    if things is not None and not calibration.temperatures and not asked.quiet:
        errors.print(
            "The probabilities are the mean of the images' and not calibrated: the run's "
            "validation images have no observations, or fewer than ten.",
            highlight=False,
            soft_wrap=True,
        )
    in_batches = evaluation.relations_of(network) == "batch" and things is None
    if in_batches and len(files) > 1 and not asked.quiet:
        errors.print(
            "This model relates the images of a batch: each prediction depends on the other images "
            "of its batch. Predict one image at a time (--batch-size 1), or set model.relations = "
            "'self'.",
            highlight=False,
            soft_wrap=True,
        )
    tell_passed_over(unread)
    tell_written(output, len(files), unreadable, unread)
    tell_right(counts, "images" if things is None else "observations")
    tell_unreadable(unreadable, len(files))
