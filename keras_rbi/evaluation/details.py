"""What `keras-rbi evaluate --details` prints and writes."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.table import Table

from keras_rbi.cli.output import console
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation.attention_diagnostics import AttentionDiagnostics, diagnostics_of
from keras_rbi.evaluation.evaluate_protocol import shuffled_order
from keras_rbi.evaluation.gather import Gathered
from keras_rbi.evaluation.mistakes import mistakes
from keras_rbi.evaluation.related_outputs import own_outputs
from keras_rbi.figures.attention_figure import attention_figure
from keras_rbi.figures.confusion_figure import confused_figure, confusion_figure
from keras_rbi.models.keras_classifier import classifier_of, relations_of

BATCH_SIZE = 32
SEED = 0
WORST = 10


class Details:
    """Classes, what is confused with what, and attention, of a model on its test images.

    Args:
        gathered: What `gather` gives, with images.
        data: The data that the images are of.
    """

    def __init__(self, gathered: Gathered, data: ImageData) -> None:
        self._gathered = gathered
        self._data = data
        outputs = own_outputs(gathered, BATCH_SIZE, shuffled_order(len(gathered), SEED))
        self.mistakes = mistakes(outputs, gathered.labels, data.class_names, WORST)
        model = gathered.model
        self.attention: AttentionDiagnostics | None = None
        if classifier_of(model).has_attention:
            size = min(BATCH_SIZE, len(gathered))
            self.attention = diagnostics_of(gathered, size, SEED)
        relations = relations_of(model)
        self.how = f"{len(gathered):,} test images, relations {relations!r}, " + (
            f"test batches of {BATCH_SIZE}, shuffled with seed {SEED}"
            if relations == "batch"
            else "any batch size and order"
        )

    def as_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        attention = None if self.attention is None else self.attention.as_dict()
        return {"how": self.how, **self.mistakes.as_dict(), "attention": attention}

    def show(self) -> None:
        """Prints the worst classes, the pairs confused most, and what attention is like."""
        worst = sorted(self.mistakes.classes, key=lambda one: one.top1)[:WORST]
        table = Table(title=f"the {len(worst)} classes with the lowest accuracy; {self.how}")
        for name in ("class", "images", "top-1 (%)"):
            table.add_column(name, justify="left" if name == "class" else "right")
        for one in worst:
            table.add_row(one.name, str(one.images), f"{100 * one.top1:.1f}")
        console.print(table)
        table = Table(title=f"the pairs that are confused most; {self.how}")
        for name in ("class", "taken for", "images", "of the class (%)"):
            table.add_column(name, justify="left" if name in ("class", "taken for") else "right")
        for pair in self.mistakes.confused:
            table.add_row(
                pair.name, pair.taken_for_name, str(pair.images), f"{100 * pair.share:.1f}"
            )
        console.print(table)
        if self.attention is not None:
            console.print(self.attention.summary())

    def write(self, folder: Path) -> None:
        """Writes `classes.csv`, `confusion.csv` and figures as PNG and SVG."""
        names = self._data.class_names
        with (folder / "classes.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["label", "name", "images", "top1"])
            writer.writerows(one.as_dict().values() for one in self.mistakes.classes)
        with (folder / "confusion.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["class", *names])
            for name, row in zip(names, self.mistakes.confusion, strict=True):
                writer.writerow([name, *row.tolist()])
        figures = {
            "confusion": confusion_figure(
                self.mistakes.confusion,
                names,
                coarse_labels_of_classes(self._data),
                self._data.coarse_names,
                self.how,
            )
        }
        if self.mistakes.confused:
            figures["confused"] = confused_figure(self.mistakes.confused, self._image(), self.how)
        if self.attention is not None:
            figures["attention"] = attention_figure(self.attention)
        save_figures(folder, figures)

    def _image(self) -> Callable[[int], np.ndarray]:
        images = self._gathered.images
        assert images is not None
        return lambda number: images[np.array([number])][0]


def save_figures(folder: Path, figures: dict[str, Figure]) -> None:
    """Saves figures as PNG and SVG under their names."""
    for name, figure in figures.items():
        for ending in ("png", "svg"):
            figure.savefig(folder / f"{name}.{ending}", dpi=150)


def coarse_labels_of_classes(data: ImageData) -> np.ndarray | None:
    """The coarse label of each class, where all images of a class have the same; or `None`."""
    if data.coarse_labels is None:
        return None
    coarse = np.full(len(data.class_names), -1)
    coarse[data.labels] = data.coarse_labels
    return coarse if np.array_equal(coarse[data.labels], data.coarse_labels) else None
