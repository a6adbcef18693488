"""What lies beside an exported model for those who look at its predictions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from keras_rbi.atomic_write import write_atomically
from keras_rbi.evaluation.observation_calibration import ObservationCalibration
from keras_rbi.serving.confidence import Confidence, find_confidence
from keras_rbi.serving.reference_images import (
    ReferenceImages,
    jpeg,
    read_reference_images,
    unit_rows,
)

BATCH = 16
# Label, name and pixels of an image.
Labelled = tuple[int, str, np.ndarray]


class Predicts(Protocol):
    """What is asked of a model here: `OnnxModel` has it."""

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Probabilities `(batch, classes)`."""

    def features(self, images: np.ndarray) -> np.ndarray:
        """What it decides by, `(batch, features)`."""


@dataclass(frozen=True)
class Beside:
    """What is known of a model besides the model.

    Attributes:
        confidence: What validation images say of its probabilities, or `None`.
        calibration: How sure predictions from several photographs of one thing may be.
        references: Photographs of its classes, or `None`.
        card: Its model card in Markdown, or `None`.
        no_maps: Why it has no maps, or `None`.
        asked: How many references were asked for when images of the run were looked at, or `None`
            where they were not.
    """

    confidence: Confidence | None = None
    calibration: ObservationCalibration = field(default_factory=ObservationCalibration)
    references: ReferenceImages | None = None
    card: str | None = None
    no_maps: str | None = None
    asked: int | None = None


def notes_file(model: Path) -> Path:
    """The file of numbers that belongs to an `.onnx` file."""
    return model.with_name(model.stem + ".page.json")


def references_file(model: Path) -> Path:
    """The file of reference images that belongs to an `.onnx` file."""
    return model.with_name(model.stem + ".references.npz")


def read_beside(model: Path, card: Path | None = None) -> Beside:
    """Reads what lies beside an `.onnx` file; what is not there is left out.

    Args:
        model: The file.
        card: The model card. Defaults to `None`, `NAME.onnx.md`, which an export has beside it, or
            `NAME.md`.

    Raises:
        ValueError: If a file is damaged.
    """
    notes, references = notes_file(model), references_file(model)
    cards = [card] if card else [model.with_name(f"{model.name}.md"), model.with_suffix(".md")]
    found = next((each for each in cards if each.is_file()), None)
    known = read_notes(notes) if notes.is_file() else Beside()
    return Beside(
        known.confidence,
        known.calibration,
        read_reference_images(references) if references.is_file() else None,
        None if found is None else found.read_text("utf-8", errors="replace"),
        known.no_maps,
        known.asked,
    )


def write_notes(
    model: Path,
    confidence: Confidence | None,
    temperatures: Mapping[int, float],
    no_maps: str | None = None,
    asked: int | None = None,
) -> None:
    """Writes the numbers that `read_beside` reads."""
    content = {
        "confidence": None if confidence is None else confidence.as_dict(),
        "observations": ObservationCalibration(temperatures).as_dict(),
        "no_maps": no_maps,
        "asked": asked,
    }
    text = json.dumps(content, indent=2) + "\n"
    write_atomically(notes_file(model), lambda file: file.write_text(text, "utf-8"))


def confidence_of(model: Predicts, images: Iterable[Labelled]) -> Confidence | None:
    """What validation images say of a model."""
    rows, labels = [], []
    for batch in _batches(images):
        rows.append(model.predict(np.stack([pixels for _, _, pixels in batch])))
        labels += [label for label, _, _ in batch]
    return find_confidence(np.concatenate(rows), np.array(labels)) if rows else None


def references_of(model: Predicts, images: Iterable[Labelled]) -> ReferenceImages | None:
    """Images with their features; `None` of none."""
    rows: list[np.ndarray] = []
    labels: list[int] = []
    names: list[str] = []
    files: list[bytes] = []
    for batch in _batches(images):
        rows.append(unit_rows(model.features(np.stack([pixels for _, _, pixels in batch]))))
        for label, name, pixels in batch:
            labels.append(label)
            names.append(name)
            files.append(jpeg(pixels))
    return ReferenceImages(np.concatenate(rows), np.array(labels), names, files) if rows else None


def read_notes(path: Path) -> Beside:
    """Reads the numbers that `write_notes` has written.

    Raises:
        ValueError: If the file is damaged.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        found = content["confidence"]
        if found is not None:
            found = Confidence(**{key: value for key, value in found.items() if key != "goal"})
        calibration = ObservationCalibration.from_dict(content["observations"])
        return Beside(found, calibration, no_maps=content["no_maps"], asked=content.get("asked"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{str(path)!r} is damaged ({error!r}). Take it away: it is made again at the next "
            "start."
        ) from error


def _batches(images: Iterable[Labelled]) -> Iterable[list[Labelled]]:
    batch: list[Labelled] = []
    for image in images:
        batch.append(image)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
