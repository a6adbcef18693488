"""What a service shows beside the predictions of a run's model, made at its first start."""

import dataclasses
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
    read_notes,
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
    if not folder.settings.is_file():
        if no_maps is not None and not notes_file(model.path).is_file():
            write_notes(model.path, None, {}, no_maps)
        return _with(read_beside(model.path), references)
    # Not of the data, which may be elsewhere by now.
    calibration = training.observation_calibration(run)
    if not _is_made(model, references):
        try:
            _make(run, model, references, no_maps, calibration)
        except (ValueError, OSError) as error:
            # Predictions need none of the data.
            _tell_missing(error, notes_file(model.path).is_file())
    if no_maps is not None and not notes_file(model.path).is_file():
        write_notes(model.path, None, {}, no_maps)
    found = read_beside(model.path, folder.path / CARD)
    return dataclasses.replace(_with(found, references), calibration=calibration)


def _is_made(model: OnnxModel, references: int) -> bool:
    """Whether the images of the run were looked at, with as many references as are asked for."""
    if not notes_file(model.path).is_file():
        return False
    before = read_notes(notes_file(model.path)).asked
    if before is None or not references or model.attends_to or not model.has_features:
        return before is not None
    return before == references and references_file(model.path).is_file()


def _with(found: Beside, references: int) -> Beside:
    """Without the look-alikes of an earlier start, where none are asked for."""
    shown = found.references
    if references or shown is None or shown.are_attended:
        return found
    return dataclasses.replace(found, references=None)


def _tell_missing(error: Exception, made_before: bool) -> None:
    missing = "No look-alikes, and no telling what is sure"
    if made_before:
        missing = "Look-alikes, and what is sure, are those of an earlier start"
    if not asked.quiet:
        errors.print(f"{missing}: {error}", highlight=False, soft_wrap=True)


def _make(
    run: Path,
    model: OnnxModel,
    references: int,
    no_maps: str | None,
    calibration: ObservationCalibration,
) -> None:
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
    write_notes(model.path, confidence, calibration.temperatures, no_maps, references)
