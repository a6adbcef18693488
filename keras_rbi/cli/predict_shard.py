"""`keras-rbi predict --shard`."""

import dataclasses
from pathlib import Path

from keras_rbi import evaluation
from keras_rbi.cli.destination import check_folder
from keras_rbi.cli.loading import load
from keras_rbi.cli.output import asked, fail, one_line_errors, print_json, say
from keras_rbi.cli.tell_predicted import progress_of_predictions, tell_unreadable
from keras_rbi.training.run_folder import find_model


def predict_shard(
    model: Path, images: list[Path], shard: str, output: Path | None, top: int, batch_size: int
) -> None:
    """Predicts one part of a folder into the folder of all parts, and tells of it."""
    if output is None or len(images) != 1 or not images[0].is_dir():
        fail("--shard takes one folder of images, and a folder for all shards as --output.")
    check_folder(output, "--output")
    with one_line_errors():
        part = evaluation.Shard.parse(shard)
        file = find_model(model)
        network, class_names = load(model)
        with progress_of_predictions(output) as progress:
            found = evaluation.predict_shard(
                network, images[0], part, output, class_names, top, batch_size, file, progress
            )
    if asked.json:
        print_json(dataclasses.asdict(found))
    else:
        before = f", {found.found_done:,} of them before" if found.found_done else ""
        say(f"Shard {shard}: {found.images:,} images{before}, in {output}")
    tell_unreadable(found.unreadable, found.images)
