"""Accuracy by class, confusions and attention of a model on its test images."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation.attention_diagnostics import AttentionDiagnostics, diagnostics_of
from keras_rbi.evaluation.evaluate_protocol import shuffled_order
from keras_rbi.evaluation.extract_features import ExtractedFeatures
from keras_rbi.evaluation.mistakes import Mistakes, mistakes
from keras_rbi.evaluation.related_outputs import own_outputs
from keras_rbi.evaluation.spreadsheet import spreadsheet_cell
from keras_rbi.models.keras_classifier import classifier_of, relations_of

BATCH_SIZE = 32
SEED = 0
WORST = 10


class Details:
    """Classes, what is confused with what, and attention, of a model on its test images.

    Args:
        extracted: What `extract_features` gives, with images.
        data: The data that the images are of.
    """

    def __init__(self, extracted: ExtractedFeatures, data: ImageData) -> None:
        self._extracted = extracted
        self.data = data
        outputs = own_outputs(extracted, BATCH_SIZE, shuffled_order(len(extracted), SEED))
        self.mistakes: Mistakes = mistakes(outputs, extracted.labels, data.class_names, WORST)
        model = extracted.model
        self.attention: AttentionDiagnostics | None = None
        if classifier_of(model).has_attention:
            size = min(BATCH_SIZE, len(extracted))
            self.attention = diagnostics_of(extracted, size, SEED)
        relations = relations_of(model)
        self.how: str = f"{len(extracted):,} test images, relations {relations!r}, " + (
            f"test batches of {BATCH_SIZE}, shuffled with seed {SEED}"
            if relations == "batch"
            else "any batch size and order"
        )

    def as_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        attention = None if self.attention is None else self.attention.as_dict()
        return {"how": self.how, **self.mistakes.as_dict(), "attention": attention}

    def tables(self) -> list[Table]:
        """The classes with the lowest accuracy, and the pairs that are confused most."""
        worst = sorted(self.mistakes.classes, key=lambda one: one.top1)[:WORST]
        classes = Table(title=f"the {len(worst)} classes with the lowest accuracy; {self.how}")
        for name in ("class", "images", "top-1 (%)"):
            classes.add_column(name, justify="left" if name == "class" else "right")
        for one in worst:
            classes.add_row(one.name, str(one.images), f"{100 * one.top1:.1f}")
        pairs = Table(title=f"the pairs that are confused most; {self.how}")
        for name in ("class", "taken for", "images", "of the class (%)"):
            pairs.add_column(name, justify="left" if name in ("class", "taken for") else "right")
        for pair in self.mistakes.confused:
            pairs.add_row(
                pair.name, pair.taken_for_name, str(pair.images), f"{100 * pair.share:.1f}"
            )
        return [classes, pairs]

    def csv_files(self, spreadsheet: bool = False) -> dict[str, str]:
        """Contents of `classes.csv` and `confusion.csv`, by these names.

        Args:
            spreadsheet: Boolean, whether text is in quotes, with an apostrophe before what a
                spreadsheet would take for a formula. Defaults to `False`.
        """
        cell = spreadsheet_cell if spreadsheet else str
        names = [cell(name) for name in self.data.class_names]
        classes = [
            [cell(value) if isinstance(value, str) else value for value in one.as_dict().values()]
            for one in self.mistakes.classes
        ]
        quoting = csv.QUOTE_NONNUMERIC if spreadsheet else csv.QUOTE_MINIMAL
        confusion = [
            [name, *row.tolist()] for name, row in zip(names, self.mistakes.confusion, strict=True)
        ]
        return {
            "classes.csv": _csv(["label", "name", "images", "top1"], classes, quoting),
            "confusion.csv": _csv(["class", *names], confusion, quoting),
        }

    def image(self, number: int) -> np.ndarray:
        """A test image, uint8 of shape `(side, side, 3)`."""
        images = self._extracted.images
        assert images is not None
        return images[np.array([number])][0]


def _csv(header: Sequence[str], rows: Iterable[Iterable[Any]], quoting: Any) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=quoting)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def coarse_labels_of_classes(data: ImageData) -> np.ndarray | None:
    """The coarse label of each class, where all images of a class have the same; or `None`."""
    if data.coarse_labels is None:
        return None
    coarse = np.full(len(data.class_names), -1)
    coarse[data.labels] = data.coarse_labels
    return coarse if np.array_equal(coarse[data.labels], data.coarse_labels) else None
