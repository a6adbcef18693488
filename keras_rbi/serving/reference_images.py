"""Photographs of known classes to show beside predictions, with the features they decide by."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from keras_rbi.atomic_write import write_atomically

QUALITY = 85


@dataclass(frozen=True)
class ReferenceImages:
    """Reference images of a model.

    Attributes:
        features: float32 array `(references, features)`, rows of length 1; without columns where a
            model stores the images and says itself how much it attends to each.
        labels: int64 array `(references,)`; -1 where the class is not known.
        names: What the images are called.
        files: JPEG files of the images, at the side that the model takes.
    """

    features: np.ndarray
    labels: np.ndarray
    names: Sequence[str]
    files: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.labels)

    def of_class(self, label: int) -> list[int]:
        """Numbers of the references of a class, in their order."""
        return [int(number) for number in np.flatnonzero(self.labels == label)]

    @property
    def are_attended(self) -> bool:
        """Whether a model attends to them, instead of their having features to compare."""
        return self.features.shape[1] == 0

    def nearest(
        self, features: np.ndarray, count: int, labels: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """The references that are most like an image, the most alike first.

        Args:
            features: Of the image, shape `(features,)`.
            count: How many; of each class, where classes are named.
            labels: Classes to look among. Defaults to `None`, all of them at once.

        Returns:
            Pairs of a reference's number and the cosine of the angle between the features.
        """
        return self.most(self.features @ unit_rows(features[None])[0], count, labels)

    def most(
        self, values: np.ndarray, count: int, labels: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """The references with the largest values, of shape `(references,)`; as in `nearest`."""
        if labels is None:
            return _best(values, np.arange(len(values)), count)
        each = (_best(values, np.flatnonzero(self.labels == label), count) for label in labels)
        return [pair for pairs in each for pair in pairs]

    def write(self, path: Path) -> None:
        """Writes a file that `read_reference_images` reads."""
        content = {
            "features": self.features.astype("float32"),
            "labels": np.asarray(self.labels, "int64"),
            "names": _bytes(json.dumps(list(self.names))),
            "ends": np.cumsum([len(file) for file in self.files], dtype="int64"),
            "files": np.frombuffer(b"".join(self.files), "uint8"),
        }

        def write(unfinished: Path) -> None:
            with unfinished.open("wb") as file:
                np.savez(file, **content)  # type: ignore[arg-type]

        write_atomically(path, write)


def attended_images(photographs: np.ndarray, labels: Sequence[int] | None) -> ReferenceImages:
    """The images that a model stores and attends to.

    Args:
        photographs: uint8 array `(references, rows, columns, 3)`.
        labels: The class of each, or `None` where that is not known.

    Returns:
        A `ReferenceImages` without features.
    """
    count = len(photographs)
    return ReferenceImages(
        np.zeros((count, 0), "float32"),
        np.full(count, -1) if labels is None else np.asarray(labels, "int64"),
        [f"reference {number}" for number in range(1, count + 1)],
        [jpeg(image) for image in photographs],
    )


def read_reference_images(path: Path) -> ReferenceImages:
    """Reads what `ReferenceImages.write` has written.

    Raises:
        ValueError: If the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            ends = content["ends"].tolist()
            joined = content["files"].tobytes()
            files = [joined[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
            names = json.loads(content["names"].tobytes().decode("utf-8"))
            found = ReferenceImages(content["features"], content["labels"], names, files)
    except Exception as error:
        # Whatever an archive that is cut short or is none makes its reader raise.
        raise ValueError(
            f"{str(path)!r} is no file of reference images ({error}). Take it away: it is made "
            "again at the next start."
        ) from error
    if not len(found.features) == len(found.labels) == len(names) == len(files):
        raise ValueError(f"{str(path)!r} is damaged. Take it away: it is made again.")
    return found


def unit_rows(features: np.ndarray) -> np.ndarray:
    """Rows divided by their length."""
    lengths = np.linalg.norm(features, axis=-1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-12), "float32")


def jpeg(image: np.ndarray) -> bytes:
    """The file of a uint8 image."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _best(alike: np.ndarray, numbers: np.ndarray, count: int) -> list[tuple[int, float]]:
    order = numbers[np.argsort(-alike[numbers], kind="stable")[:count]]
    return [(int(number), float(alike[number])) for number in order]


def _bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-8"), "uint8")
