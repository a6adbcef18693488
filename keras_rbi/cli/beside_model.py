"""What a service shows beside the predictions of a run's model, made at its first start."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from keras_rbi import training
from keras_rbi.cli.output import asked, errors, progress_bars
from keras_rbi.evaluation.observation_calibration import ObservationCalibration
from keras_rbi.serving.beside import (
    Beside,
    Labelled,
    confidence_of,
    notes_file,
    read_beside,
    references_file,
    references_of,
    write_notes,
)
from keras_rbi.serving.onnx_model import OnnxModel
from keras_rbi.serving.reference_images import ReferenceImages
from keras_rbi.training.images_to_show import images_to_show

# More validation images move the threshold little, and the first start long.
VALIDATION_IMAGES = 1000
CARD = "README.md"


def beside_model(
    run: Path,
    model: OnnxModel,
    references: int,
    no_maps: str | None,
    load_stored: Callable[[], ReferenceImages] | None = None,
) -> Beside:
    """What lies beside the ONNX file of a run; it is made where it is not there yet.

    Args:
        run: The run folder or `.keras` file.
        model: Its model in ONNX Runtime.
        references: Most reference photographs.
        no_maps: Why the model has no maps, or `None`.
        load_stored: Function that gives the images that the model itself stores. Defaults to
            `None`, there are none.
    """
    if load_stored and model.attends_to and not references_file(model.path).is_file():
        load_stored().write(references_file(model.path))
    folder = training.RunFolder.around(run)
    has_run = folder.settings.is_file()
    made = has_run and notes_file(model.path).is_file()
    if made and references and not references_file(model.path).is_file():
        made = not model.has_features
    if has_run and not made:
        try:
            _make(run, model, references, no_maps)
        except (ValueError, OSError) as error:
            # The data may be elsewhere by now; predictions need none of it.
            if not asked.quiet:
                errors.print(
                    f"No look-alikes, and no telling what is sure: {error}",
                    highlight=False,
                    soft_wrap=True,
                )
    if no_maps is not None and not notes_file(model.path).is_file():
        write_notes(model.path, None, {}, no_maps)
    return read_beside(model.path, folder.path / CARD if has_run else None)


def _make(run: Path, model: OnnxModel, references: int, no_maps: str | None) -> None:
    with progress_bars("Looking at {} images of the run") as progress:

        def images(split: str, most: int) -> Iterator[Labelled]:
            count, found = images_to_show(run, split, most, model.image_size, model.class_names)
            for done, image in enumerate(found, 1):
                yield image
                progress(split, done, count)

        confidence = confidence_of(model, images("validation", VALIDATION_IMAGES))
        if references and model.has_features and not model.attends_to:
            shown = references_of(model, images("train", references))
            if shown is not None:
                shown.write(references_file(model.path))
    write_notes(model.path, confidence, _temperatures(run), no_maps)


def _temperatures(run: Path) -> dict[int, float]:
    file = training.RunFolder.around(run).observations
    if not file.is_file():
        return {}
    return dict(ObservationCalibration.from_dict(json.loads(file.read_text("utf-8"))).temperatures)
