"""The test images that a model gets wrong, one by one."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from keras_rbi.datasets.batches.image_sequence import ImageSequence
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation.classification_scores import probabilities_of
from keras_rbi.evaluation.directions import directions
from keras_rbi.evaluation.evaluate_protocol import shuffled_order
from keras_rbi.evaluation.extract_features import ExtractedFeatures
from keras_rbi.evaluation.related_outputs import own_outputs
from keras_rbi.evaluation.spreadsheet import spreadsheet_cell
from keras_rbi.models.head_activation import head_activation

# As the paper tests, where a prediction depends on the batch.
BATCH_SIZE, SEED = 32, 0
COLUMNS = ("file", "truth", "prediction", "probability")


@dataclass(frozen=True)
class MistakenImage:
    """A test image that a model gets wrong.

    Attributes:
        number: Its number in the data.
        file: Its file within the data, or its number where it is in none.
        label: Number of its class.
        predicted: Number of the class that the model gives.
        probability: That of the class that the model gives, from 0 to 1.
        probability_of_label: That of its own class.
    """

    number: int
    file: str
    label: int
    predicted: int
    probability: float
    probability_of_label: float


class MistakenImages:
    """The test images that a model gets wrong in its own relations mode, the surest first.

    Args:
        extracted: What `extract_features` gives for the test images.
        test: The test images.

    Attributes:
        data: The data that the images are of.
        images: How many test images there are.

    Example:

    >>> test = keras_rbi.datasets.typefaces.load("test", per_class=1, image_size=16)
    >>> backbone = keras_rbi.backbones.SmallCNN((16, 16, 3))
    >>> model = keras_rbi.models.backbone_classifier(backbone, 22)
    >>> extracted = keras_rbi.evaluation.extract_features(model, test)
    >>> found = keras_rbi.evaluation.MistakenImages(extracted, test)
    >>> len(found.csv().splitlines()) == 1 + len(found) <= 1 + found.images == 23
    True
    """

    def __init__(self, extracted: ExtractedFeatures, test: ImageSequence) -> None:
        self.data: ImageData = test.data
        self.images: int = len(extracted)
        self._extracted = extracted
        self._numbers = test.numbers
        outputs = own_outputs(extracted, BATCH_SIZE, shuffled_order(len(extracted), SEED))
        self._probabilities = probabilities_of(outputs, head_activation(extracted.model))
        predicted = self._probabilities.argmax(-1)
        wrong = np.flatnonzero(predicted != extracted.labels)
        sureness = self._probabilities.max(-1)[wrong]
        self._places = wrong[np.argsort(-sureness, kind="stable")]

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[MistakenImage]:
        files = getattr(self.data, "files", None)
        for place in self._places.tolist():
            number, row = int(self._numbers[place]), self._probabilities[place]
            label, predicted = int(self._extracted.labels[place]), int(row.argmax())
            file = str(number) if files is None else str(files[number])
            yield MistakenImage(
                number, file, label, predicted, float(row[predicted]), float(row[label])
            )

    def csv(self, spreadsheet: bool = False) -> str:
        """A table with a row for each: its file, its class, the model's, and how sure that is.

        Args:
            spreadsheet: As in `Details.csv_files`. Defaults to `False`.
        """
        cell = spreadsheet_cell if spreadsheet else str
        text, names = io.StringIO(), self.data.class_names
        quoting: Any = csv.QUOTE_NONNUMERIC if spreadsheet else csv.QUOTE_MINIMAL
        writer = csv.writer(text, lineterminator="\n", quoting=quoting)
        writer.writerow(COLUMNS)
        writer.writerows(
            [
                cell(one.file),
                cell(names[one.label]),
                cell(names[one.predicted]),
                round(one.probability, 6),
            ]
            for one in self
        )
        return text.getvalue()

    def look_alikes(self, number: int, label: int, count: int = 3) -> list[int]:
        """Other test images of a class that look most like one.

        Args:
            number: Integer, the image's in the data.
            label: Integer, the class.
            count: Integer, how many at most. Defaults to `3`.

        Returns:
            Their numbers in the data, the most alike first, by the cosine of standardised features
            before they relate; of a model without relations, by that of the roots of its
            probabilities.
        """
        (place,) = np.flatnonzero(self._numbers == number)
        members = np.flatnonzero(self._extracted.labels == label)
        members = members[members != place]
        cosines = self._directions[members] @ self._directions[place]
        order = np.argsort(-cosines, kind="stable")[:count]
        return [int(each) for each in self._numbers[members[order]]]

    @cached_property
    def _directions(self) -> np.ndarray:
        features = self._extracted.features
        return directions(np.sqrt(self._probabilities) if features is None else features)
