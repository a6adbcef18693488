"""Rows of predictions for `keras-rbi predict`, as they become known."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from keras_rbi.cli.output import Progress
from keras_rbi.cli.predictions import Prediction, name_of
from keras_rbi.evaluation.with_truth import with_truth

if TYPE_CHECKING:
    from keras_rbi.evaluation import FilePrediction, ObservationPrediction


def image_rows(
    found: "Iterable[FilePrediction]", top: int, unreadable: list[str], progress: Progress, of: int
) -> Iterator[Prediction]:
    """A row for each image that can be read.

    Args:
        found: A prediction for each image.
        top: How many classes to give.
        unreadable: A list that gets the reason of each that cannot be read.
        progress: Function that is told how many images are done.
        of: How many there are.
    """
    for done, each in enumerate(found, 1):
        if each.error is not None:
            unreadable.append(each.error)
        else:
            yield {"image": str(each.path), "top": _top(each, top)}
        progress("", done, of)


def observation_rows(
    found: "Iterable[ObservationPrediction]",
    top: int,
    unreadable: list[str],
    progress: Progress,
    of: int,
) -> Iterator[Prediction]:
    """A row for each observation of which an image can be read, with what each image adds.

    Args:
        found: A prediction for each observation.
        top: As in `image_rows`.
        unreadable: As in `image_rows`.
        progress: As in `image_rows`.
        of: How many images there are.
    """
    done = 0
    for each in found:
        reasons = [str(image.error) for image in each.unreadable]
        unreadable.extend(reasons)
        done += len(each.images) + len(reasons)
        if each.probabilities is not None:
            images = [
                {"image": str(image.path), "class": image.class_name, "support": support}
                for image, support in zip(each.images, each.supports, strict=True)
            ]
            yield {"observation": each.name, "top": _top(each, top), "images": images}
        progress("", done, of)


def judged_rows(
    rows: Iterable[Prediction], truths: Mapping[str, str], counts: "Counter[bool | None]"
) -> Iterator[Prediction]:
    """The rows with the truth where it is known, which are counted as right, wrong or neither.

    Args:
        rows: Rows of images or observations.
        truths: From what they are for to classes.
        counts: Gets how many are right, `True`, or not, `False`, and how many are not known.
    """
    for row in rows:
        told = with_truth(row, truths.get(name_of(row)))
        counts[told["right"]] += 1
        yield told


def _top(prediction: "FilePrediction | ObservationPrediction", count: int) -> list[Prediction]:
    return [{"class": name, "probability": value} for name, value in prediction.top(count)]
