"""HTML report of doubtful labels: each image beside its look-alikes of both classes."""

import dataclasses
from collections.abc import Sequence

from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation.label_issues import LabelIssue, LabelIssues
from keras_rbi.figures.html_report import Card, Gallery, HtmlReport, Picture, Section
from keras_rbi.figures.thumbnail import thumbnail

# Pixels of a picture's side, as it is stored, and as look-alikes are shown.
STORED, SMALL = 208, 96
MOST = 100

INSTRUCTIONS = (
    "Each image stands beside those that look most like it: some with its own label, and some of "
    "the class that its features speak for. A doubt is no verdict: look, and write what is right "
    "into the column “corrected” of the table: the name of a class, which may be the label that "
    "stands there, or “remove” to leave the image out. “keras-rbi train --corrections” reads it."
)


def label_issues_report(
    issues: LabelIssues, name: str = "the data", most: int = MOST, look_alikes: int = 3
) -> str:
    """A self-contained HTML report of doubtful labels.

    Args:
        issues: What `find_label_issues` gives.
        name: What to call the data. Defaults to `"the data"`.
        most: Integer, how many labels to show at most. Defaults to `100`.
        look_alikes: Integer, how many images of either class to show beside each. Defaults to `3`.

    Returns:
        The HTML, with its images inside. All text is escaped.

    Example:

    >>> data = keras_rbi.datasets.Typefaces("train", per_class=4, image_size=32)
    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.models.backbone_classifier(backbone, len(data.class_names))
    >>> found = keras_rbi.evaluation.find_label_issues(model, data, folds=2)
    >>> report = keras_rbi.figures.label_issues_report(found, most=2)
    >>> report.count("<article")
    2
    """
    shown = issues.issues[:most]
    pictures = _Pictures(issues)
    summary = issues.summary
    if len(shown) < len(issues):
        summary += f" The {len(shown):,} most doubtful are shown, the table has them all."
    cards = [
        _card(issues, issue, rank, pictures, look_alikes) for rank, issue in enumerate(shown, 1)
    ]
    heading, text = ("The most doubtful first", INSTRUCTIONS) if shown else ("Nothing to show", "")
    sections = [Section("suspects", heading, text, cards=cards)]
    return HtmlReport(f"Labels worth doubting in {name}", summary, sections).html()


class _Pictures:
    """Thumbnails, each encoded once: many are look-alikes of several."""

    def __init__(self, issues: LabelIssues) -> None:
        self.data: ImageData = issues.data
        self.name = issues.name
        self._known: dict[int, Picture] = {}

    def at(self, index: int, side: int | None = None) -> Picture:
        if index not in self._known:
            label = self.data.class_names[self.data.labels[index]]
            text = f"{self.name(index)}, labelled {label}"
            self._known[index] = thumbnail(self.data.image(index), text, STORED)
        return dataclasses.replace(self._known[index], side=side)


def _card(
    issues: LabelIssues, issue: LabelIssue, rank: int, pictures: _Pictures, count: int
) -> Card:
    names = issues.data.class_names
    splits: Sequence[str] | None = getattr(issues.data, "splits", None)
    galleries = []
    for kind, words, label, probability in (
        ("first", "Labelled", issue.given, issue.probability_given),
        ("second", "Looks like", issue.suggested, issue.probability_suggested),
    ):
        alike = [
            pictures.at(index, SMALL) for index in issues.look_alikes(issue.index, label, count)
        ]
        alike = alike or [Picture(None, "no other image")]
        after = f", {100 * probability:.1f}\u00a0%"
        galleries.append(Gallery(words, alike, names[label], after, kind))
    return Card(
        f"{rank}. {issues.name(issue.index)}",
        "" if splits is None else splits[issue.index],
        pictures=[pictures.at(issue.index)],
        galleries=galleries,
    )
