"""HTML report of what a model says of photographs and why, and of what it confuses."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation.look_alikes import look_alikes as find_look_alikes
from keras_rbi.explanations.image_batch import ImageBatch
from keras_rbi.explanations.methods import check_method
from keras_rbi.figures.attention_section import attention_section, predicted
from keras_rbi.figures.confusion_cards import confusions
from keras_rbi.figures.contact_sheet import evenly
from keras_rbi.figures.html_report import HtmlReport, Section
from keras_rbi.figures.photograph_cards import LookAlikes, classes_to_tell, photograph_cards
from keras_rbi.figures.plot_parts import plot_parts
from keras_rbi.figures.run_facts import run_facts
from keras_rbi.models.keras_classifier import classifier_of

# What a page of a few MiB holds, and a reader goes through.
MOST_CARDS = 40
LOOK_ALIKES = 3

Progress = Callable[[str, int, int], None]


def explanation_report(
    model: keras.Model,
    images: ImageBatch,
    class_names: list[str],
    batch_size: int = 8,
    method: str = "grad_cam",
    *,
    model_name: str = "model",
    images_name: str = "images",
    metrics: Mapping[str, Any] | None = None,
    progress: Progress = lambda *_: None,
    training_data: ImageData | None = None,
    look_alikes: int = LOOK_ALIKES,
    note: str = "",
) -> HtmlReport:
    """Reports what a model says of photographs and why, what it confuses, and how images relate.

    Args:
        model: The model.
        images: The images. Of more than 40, some have a card of their own, at even distances; all
            of them count in what is confused with what.
        class_names: Names of the model's classes.
        batch_size: How many of them are explained as one batch, to show how they relate. Defaults
            to `8`.
        method: As in `grad_cam`. Defaults to `"grad_cam"`.
        model_name: What to call the model. Defaults to `"model"`.
        images_name: What to call the images. Defaults to `"images"`.
        metrics: The content of the run's `metrics.json`, if there is one. Defaults to `None`.
        progress: Called with what is being made, and the numbers of done and of all such things,
            0 where that is not known. Defaults to nothing.
        training_data: The images that the model was trained on, of which those most alike are
            shown beside each photograph. Defaults to `None`, none.
        look_alikes: Integer, how many of each class that is shown. Defaults to `3`.
        note: A sentence about the training images. Defaults to `""`.

    Returns:
        The report, whose `html()` is to be written to a file.

    Raises:
        ValueError: If there is no such method.

    Example:

    >>> from keras_rbi.explanations.image_batch import ImageBatch
    >>> backbone = keras_rbi.backbones.SmallCNN((16, 16, 3))
    >>> model = keras_rbi.models.backbone_classifier(backbone, 2)
    >>> pixels = np.zeros((3, 16, 16, 3), "uint8")
    >>> images = ImageBatch(["a.png", "b.png", "c.png"], pixels, np.array([0, 1, -1]))
    >>> report = keras_rbi.figures.explanation_report(model, images, ["wren", "robin"])
    >>> [section.name for section in report.sections]
    ['photographs', 'confusions', 'attention', 'run']
    """
    check_method(method)
    numbers = evenly(np.arange(len(images)), MOST_CARDS)
    shown = images.at(numbers)
    batch = images.at(evenly(np.arange(len(images)), batch_size))
    probabilities = _probabilities(model, images, numbers, batch_size, progress)
    alike, told = None, note
    if training_data is not None and look_alikes:
        alike, told = _look_alikes(
            model, shown, probabilities[numbers], training_data, look_alikes, progress
        )
    progress("class activation maps", 0, 0)
    cards = photograph_cards(
        model, shown, probabilities[numbers], class_names, method, batch_size, alike
    )
    sections = [
        Section("photographs", "The photographs", _how_to_read(alike, told), cards=cards),
        confusions(images, probabilities, class_names, None if alike is None else training_data),
    ]
    if classifier_of(model).proposes_parts:
        sections.append(_parts(model, batch))
    sections += [
        attention_section(model, class_names, batch, method, images, progress),
        run_facts(model_name, model, metrics or {}),
    ]
    count = f"{len(images):,} photograph" + ("s" if len(images) > 1 else "")
    if len(shown) < len(images):
        count += f", of which {len(shown)} are shown one by one"
    title = f"What {Path(model_name).absolute().name} sees in {images_name}"
    return HtmlReport(title, f"{count}. {_right(images, probabilities)}".strip(), sections)


def _probabilities(
    model: keras.Model,
    images: ImageBatch,
    first: np.ndarray,
    batch_size: int,
    progress: Progress,
) -> np.ndarray:
    """What the model says in its own mode: of the first ones in the batches of their maps."""
    rest = np.setdiff1d(np.arange(len(images)), first)
    parts: dict[int, np.ndarray] = {}
    for rows in (first, rest):
        for begin in range(0, len(rows), batch_size):
            batch = rows[begin : begin + batch_size]
            found = predicted(model, images.pixels[batch], None)
            parts |= dict(zip(batch.tolist(), found, strict=True))
            progress("predictions", len(parts), len(images))
    return np.stack([parts[number] for number in range(len(images))])


def _look_alikes(
    model: keras.Model,
    images: ImageBatch,
    probabilities: np.ndarray,
    data: ImageData,
    count: int,
    progress: Progress,
) -> tuple[LookAlikes | None, str]:
    """Training images for each card, or why there are none."""
    told = classes_to_tell(probabilities, images.labels)
    try:
        found = find_look_alikes(model, images.pixels, told, data, count, progress=progress)
    except ValueError as error:
        return None, f"No training images are shown: {error}"
    return LookAlikes(data, found), ""


def _how_to_read(alike: LookAlikes | None, note: str) -> str:
    text = (
        "Each with the classes that the model finds likeliest, and a map of what in it speaks for "
        "the first of them."
    )
    if alike is not None:
        text += (
            " Beside it are the training images of these classes that the backbone finds most "
            "alike: compare."
        )
    return f"{text} {note}".strip()


def _right(images: ImageBatch, probabilities: np.ndarray) -> str:
    known = images.labels >= 0
    if not known.any():
        return ""
    right = int(np.sum(probabilities[known].argmax(-1) == images.labels[known]))
    count = int(known.sum())
    return (
        f"{right:,} of {count:,} whose class is known are right ({100 * right / count:.0f}\u00a0%)."
    )


def _parts(model: keras.Model, batch: ImageBatch) -> Section:
    names = [f"image {number}" for number in range(len(batch.pixels))]
    return Section(
        "parts",
        "The parts that training learns from",
        "The boxes that the proposer scores highest, and what they show, in the order that the "
        "model puts them in: a row is the same part of every image, where it has learned to tell "
        "them apart. Predictions do not depend on them.",
        plot_parts(model, batch.pixels, names),
    )
