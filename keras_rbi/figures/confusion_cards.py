"""What a model takes for what, with photographs of both classes."""

from collections.abc import Sequence

import numpy as np

from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation.mistakes import EXAMPLES, ConfusedPair, mistakes
from keras_rbi.explanations.image_batch import ImageBatch
from keras_rbi.figures.contact_sheet import evenly
from keras_rbi.figures.html_report import Card, Gallery, Picture, Section
from keras_rbi.figures.photograph_cards import SHOWN, SMALL, pictures_of
from keras_rbi.figures.thumbnail import thumbnail

PAIRS = 10
NONE_KNOWN = (
    "No photograph lies in a folder that is named after a class, so that it is not known what is "
    "right. Put them into such folders to see it here."
)


def confusions(
    images: ImageBatch,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    data: ImageData | None = None,
) -> Section:
    """The pairs of classes that are confused most, with photographs of both.

    Args:
        images: The images.
        probabilities: What the model says of them, shape `(images, classes)`.
        class_names: Names of its classes.
        data: Training images, to show a class that none of the images is of; or `None`. Defaults
            to `None`.
    """
    name, heading = "confusions", "What is confused with what"
    known = np.flatnonzero(images.labels >= 0)
    if not len(known):
        return Section(name, heading, NONE_KNOWN)
    found = mistakes(probabilities[known], images.labels[known], class_names, PAIRS)
    right = int(np.trace(found.confusion))
    text = f"{right:,} of {len(known):,} photographs whose class is known are right."
    wrong = int(np.sum((found.confusion - np.diag(np.diag(found.confusion))) > 0))
    if wrong > len(found.confused):
        text += f" The {len(found.confused)} commonest confusions of {wrong:,}:"
    cards = [_card(pair, images.at(known), probabilities[known], data) for pair in found.confused]
    return Section(name, heading, text, cards=cards)


def _card(
    pair: ConfusedPair, images: ImageBatch, probabilities: np.ndarray, data: ImageData | None
) -> Card:
    of_other = np.flatnonzero(images.labels == pair.taken_for)
    # The surest first: they show the class best.
    order = np.argsort(-probabilities[of_other, pair.taken_for], kind="stable")
    taken = _pictures(images, list(pair.examples))
    others = _pictures(images, [int(number) for number in of_other[order][:EXAMPLES]])
    source = "Photographs of"
    if not others and data is not None:
        source = "Training images of"
        others = pictures_of(data, evenly(np.flatnonzero(data.labels == pair.taken_for), EXAMPLES))
    return Card(
        f"{pair.name} taken for {pair.taken_for_name}",
        f"{pair.images:,} of the photographs of {pair.name}, {100 * pair.share:.0f}\u00a0%",
        galleries=[
            Gallery("Photographs of", taken, pair.name, f" taken for {pair.taken_for_name}"),
            Gallery(source, others or [Picture(None, "none is at hand")], pair.taken_for_name),
        ],
    )


def _pictures(images: ImageBatch, numbers: Sequence[int]) -> list[Picture]:
    return [
        thumbnail(images.pixels[number], images.names[number], SMALL, SHOWN) for number in numbers
    ]
