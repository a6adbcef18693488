"""Labels worth doubting: images whose features speak for another class than their label."""

import csv
import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from keras_rbi.datasets.files.corrections import Correction
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation.confident_learning import ConfidentJoint, confident_learning
from keras_rbi.evaluation.directions import directions
from keras_rbi.evaluation.out_of_sample import FOLDS, out_of_sample_probabilities
from keras_rbi.evaluation.pooled_features import stage_features
from keras_rbi.models.image_size import image_size_of

# What a person reads, and then writes: `keras_rbi.datasets.files.corrections` reads it.
COLUMNS = (
    "rank",
    "path",
    "split",
    "given",
    "suggested",
    "probability_given",
    "probability_suggested",
    "corrected",
)


@dataclass(frozen=True)
class LabelIssue:
    """An image whose label is doubtful.

    Attributes:
        index: The image's number in the data.
        given: Its label.
        suggested: The class that its features speak for.
        probability_given: The out-of-sample probability of its label.
        probability_suggested: That of the suggested class.
    """

    index: int
    given: int
    suggested: int
    probability_given: float
    probability_suggested: float


@dataclass(frozen=True)
class LabelIssues:
    """What `find_label_issues` finds.

    Attributes:
        data: The images.
        features: Their features, float32 of shape `(images, features)`.
        probabilities: Out-of-sample probabilities, shape `(images, classes)`; `nan` of images
            whose label could not be judged.
        joint: What confident learning counts.
        issues: The doubtful labels, the most doubtful first.
    """

    data: ImageData
    features: np.ndarray
    probabilities: np.ndarray
    joint: ConfidentJoint
    issues: list[LabelIssue]

    def __len__(self) -> int:
        return len(self.issues)

    @property
    def judged(self) -> np.ndarray:
        """Which images could be judged, booleans of shape `(images,)`."""
        return np.asarray(~np.isnan(self.probabilities).any(1))

    @property
    def accuracy(self) -> float:
        """Share of the judged images whose likeliest class is their label, from 0 to 1.

        What is found is worth no more than the features tell the classes apart.
        """
        judged = self.judged
        likeliest = self.probabilities[judged].argmax(1)
        return float(np.mean(likeliest == self.data.labels[judged]))

    @property
    def summary(self) -> str:
        """How many labels are doubtful, in a sentence or two."""
        count, images = len(self.issues), len(self.data)
        text = f"{count:,} of {images:,} labels are worth doubting."
        if unjudged := images - int(self.judged.sum()):
            text += f" {unjudged:,} could not be judged: their class has no image of another thing."
        return text

    def name(self, index: int) -> str:
        """The file of an image within the data, or its number where it is none."""
        files = getattr(self.data, "files", None)
        return str(index) if files is None else str(files[index])

    def look_alikes(self, index: int, label: int, count: int = 3) -> list[int]:
        """Images of a class that look most like an image.

        Args:
            index: Integer, the image.
            label: Integer, the class.
            count: Integer, how many at most. Defaults to `3`.

        Returns:
            Their numbers, the nearest first, by the cosine of standardised features; those whose
            own label is doubtful come last.
        """
        found = np.flatnonzero(self.data.labels == label)
        found = found[found != index]
        cosines = self._directions[found] @ self._directions[index]
        doubtful = np.isin(found, self.joint.suspects)
        order = np.lexsort((-cosines, doubtful))[:count]
        return [int(number) for number in found[order]]

    def rows(self) -> list[dict[str, Any]]:
        """A row for each doubtful label, of the columns of `COLUMNS`."""
        names, splits = self.data.class_names, getattr(self.data, "splits", None)
        own = getattr(self.data, "split", "")
        return [
            {
                "rank": rank,
                "path": self.name(issue.index),
                "split": own if splits is None else splits[issue.index],
                "given": names[issue.given],
                "suggested": names[issue.suggested],
                "probability_given": round(issue.probability_given, 4),
                "probability_suggested": round(issue.probability_suggested, 4),
                "corrected": "",
            }
            for rank, issue in enumerate(self.issues, 1)
        ]

    def csv(self, earlier: Sequence[Correction] = ()) -> str:
        """A table of the doubtful labels, with an empty column for what is right.

        A person writes a class into `corrected`, or `remove`: see `docs/datasets.md`.

        Args:
            earlier: Corrections from before, which the table goes on with after the doubtful
                labels, so that it holds them all. Defaults to none.

        Returns:
            The text of a CSV file.
        """
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows())
        writer.writerows(
            {"path": one.file, "given": one.given or "", "corrected": one.corrected}
            for one in earlier
        )
        return text.getvalue()

    @cached_property
    def _directions(self) -> np.ndarray:
        return directions(self.features)


def find_label_issues(
    model: keras.Model,
    data: ImageData,
    folds: int = FOLDS,
    seed: int = 0,
    settled: Collection[int] = (),
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> LabelIssues:
    """Finds labels of a data set that are worth doubting.

    Features of all images, of every stage of the backbone, are extracted once. Each fold's images
    are then classified by a logistic regression on the features of the others, and confident
    learning tells whose probabilities speak for another class than their label. Images of one
    observation stay in one fold.

    Args:
        model: A model whose backbone gives the features: any of `keras_rbi.models`, or a functional
            model. **It must not have been trained on these labels**: a backbone that was knows the
            wrong ones by heart, and finds them right. Pass one with pretrained weights, as
            `keras_rbi.training.label_issues_of_run` does for a run.
        data: The labelled images.
        folds: Integer. Defaults to `5`.
        seed: Integer, of the folds. Defaults to `0`.
        settled: Numbers of images whose labels a person has looked at: they are learnt from, and
            not doubted. Defaults to none.
        progress: Called with `"features"` or `"folds"`, and the numbers of done and of all images
            or folds. Defaults to nothing.

    Returns:
        A `LabelIssues`.

    Raises:
        ValueError: If the images are of another size than the model takes, or as
            `out_of_sample_probabilities` does.

    Example:

    >>> data = keras_rbi.datasets.Typefaces("train", per_class=4, image_size=32)
    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.models.backbone_classifier(backbone, len(data.class_names))
    >>> found = keras_rbi.evaluation.find_label_issues(model, data, folds=2)
    >>> found.probabilities.shape, found.csv()[:22]
    ((88, 22), 'rank,path,split,given,')
    """
    size = image_size_of(model)
    if data.image_size != size:
        raise ValueError(
            f"The model takes images of {size} x {size} pixels. Received: images of "
            f"{data.image_size} x {data.image_size}. Load the data with image_size={size}."
        )
    features = stage_features(model, data, "features", progress)
    probabilities = out_of_sample_probabilities(
        features,
        data.labels,
        len(data.class_names),
        folds,
        seed,
        data.observations,
        progress,
    )
    joint = confident_learning(probabilities, data.labels)
    known = set(settled)
    issues = [
        LabelIssue(
            index,
            given := int(data.labels[index]),
            suggested,
            float(probabilities[index, given]),
            float(probabilities[index, suggested]),
        )
        for index, suggested in zip(joint.suspects.tolist(), joint.suggested.tolist(), strict=True)
        if index not in known
    ]
    return LabelIssues(data, features, probabilities, joint, issues)
