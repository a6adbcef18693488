"""Predictions for any number of image files, without holding the images at once."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from keras_rbi.datasets.augmentation import PAPER, Augment
from keras_rbi.datasets.files.find_images import find_images
from keras_rbi.datasets.files.reading import read_image
from keras_rbi.evaluation.classification_scores import probabilities_of
from keras_rbi.evaluation.top_classes import top_classes
from keras_rbi.evaluation.views import predict_views
from keras_rbi.models.head_activation import head_activation
from keras_rbi.models.image_size import image_size_of

BATCH_SIZE = 32
# Beyond that threads wait for each other and for the disk.
MOST_THREADS = 8


@dataclass(frozen=True)
class FilePrediction:
    """A file and either its probabilities, or why it cannot be read.

    Attributes:
        path: The file.
        probabilities: float array of shape `(classes,)`, or `None`.
        error: Why it cannot be read, or `None`.
        class_names: Names of the classes.
    """

    path: Path
    probabilities: np.ndarray | None = None
    error: str | None = None
    class_names: Sequence[str] = ()

    @property
    def class_name(self) -> str | None:
        """The likeliest class, or `None` of a file that cannot be read."""
        return self.top(1)[0][0] if self.probabilities is not None else None

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """The likeliest classes and their probabilities, the likeliest first."""
        if self.probabilities is None:
            return []
        best = top_classes(self.probabilities, self.class_names, count)
        return [(each["class"], each["probability"]) for each in best]


def classify_files(
    model: keras.Model,
    paths: str | Path | Sequence[str | Path],
    class_names: Sequence[str] | None = None,
    batch_size: int = BATCH_SIZE,
    views: int = 1,
    augment: str | Augment = PAPER,
) -> Iterator[FilePrediction]:
    """The predictions of a classifier for image files, as they become known.

    Args:
        model: A classifier of square RGB images.
        paths: An image file or a folder, or several of them: see `find_images`.
        class_names: Names of its classes. Defaults to `None`, those that the model has.
        batch_size: Integer, images in a batch. Defaults to `32`.
        views: Integer, of how many views of an image its prediction is, as `predict_views` draws
            them. Defaults to `1`, the image as it is.
        augment: How they are drawn. Defaults to `"paper"`.

    Yields:
        A `FilePrediction` for each file, in their order.

    Raises:
        ValueError: If there is no such file or folder, no image in a folder, or if the model takes
            other images.
    """
    files = find_images([paths] if isinstance(paths, (str, Path)) else paths)
    yield from classify_each(model, files, class_names, batch_size, views, augment)


def classify_each(
    model: keras.Model,
    files: Iterable[Path],
    class_names: Sequence[str] | None = None,
    batch_size: int = BATCH_SIZE,
    views: int = 1,
    augment: str | Augment = PAPER,
) -> Iterator[FilePrediction]:
    """As `classify_files`, of each of these files: no folder is searched, and none left out.

    Args:
        model: As in `classify_files`.
        files: The image files, which may come several times.
        class_names: As in `classify_files`. Defaults to `None`.
        batch_size: As in `classify_files`. Defaults to `32`.
        views: As in `classify_files`. Defaults to `1`.
        augment: As in `classify_files`. Defaults to `"paper"`.

    Yields:
        A `FilePrediction` for each file, in their order.
    """
    size = image_size_of(model)
    names = class_names or getattr(model, "class_names", None)
    names = names or [f"class {number}" for number in range(model.output_shape[-1])]
    activation = head_activation(model)

    def probabilities(pixels: np.ndarray) -> np.ndarray:
        return probabilities_of(model.predict_on_batch(pixels), activation)

    predict = predict_views(probabilities, views, augment)
    for found in predict_files(predict, files, size, batch_size):
        yield replace(found, class_names=names)


def predict_files(
    predict: Callable[[np.ndarray], np.ndarray],
    files: Iterable[Path],
    image_size: int,
    batch_size: int = BATCH_SIZE,
) -> Iterator[FilePrediction]:
    """Predictions for image files, in their order and as they become known.

    Threads read the files ahead of the model, by two batches at most, so that the memory does not
    grow with their number. A file that cannot be read takes no place in a batch.

    Args:
        predict: Function of uint8 images `(batch, image_size, image_size, 3)` that gives
            probabilities `(batch, classes)`, such as `model.predict_on_batch`.
        files: The image files.
        image_size: Integer, the side in pixels to which images are resized.
        batch_size: Integer, images in a batch. Defaults to `32`.

    Yields:
        A `FilePrediction` for each file.

    Example:

    >>> from keras_rbi.evaluation.predict_files import predict_files
    >>> def predict(images):
    ...     return images.mean(axis=(1, 2)) / 255
    >>> [prediction.error for prediction in predict_files(predict, ["none.png"], image_size=8)]
    ["There is no image 'none.png'."]
    """
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(threads)
    ahead: deque[tuple[Path, Future[np.ndarray]]] = deque()
    # In the order of the files, with None for what is in `images` and has no prediction yet.
    waiting: list[tuple[Path, str | None]] = []
    images: list[np.ndarray] = []
    rest = iter(files)
    try:
        while True:
            for path in rest:
                ahead.append((path, pool.submit(read_image, path, image_size)))
                if len(ahead) > 2 * batch_size:
                    break
            if not ahead:
                break
            path, reading = ahead.popleft()
            try:
                images.append(reading.result())
                waiting.append((path, None))
            except ValueError as error:
                waiting.append((path, str(error)))
            if len(images) == batch_size or not images:
                yield from _predictions(predict, waiting, images)
                waiting, images = [], []
        yield from _predictions(predict, waiting, images)
    finally:
        pool.shutdown(cancel_futures=True)


def _predictions(
    predict: Callable[[np.ndarray], np.ndarray],
    waiting: list[tuple[Path, str | None]],
    images: list[np.ndarray],
) -> Iterator[FilePrediction]:
    rows = iter(predict(np.stack(images)) if images else ())
    for path, error in waiting:
        yield FilePrediction(path, next(rows) if error is None else None, error)
