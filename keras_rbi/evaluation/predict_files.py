"""Predictions for any number of image files, without holding the images at once."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_rbi.datasets.files.reading import IMAGE_SUFFIXES, read_image

BATCH_SIZE = 32
# Beyond that threads wait for each other and for the disk.
MOST_THREADS = 8


@dataclass(frozen=True)
class FilePrediction:
    """A file and either its probabilities, of shape `(classes,)`, or why it cannot be read."""

    path: Path
    probabilities: np.ndarray | None = None
    error: str | None = None


def find_images(paths: Sequence[str | Path]) -> list[Path]:
    """The image files that files and folders come to.

    Args:
        paths: Files, which are taken whatever they are called, and folders, which are searched
            with the folders in them for files that are called as images are. Hidden files and
            folders are left out there.

    Returns:
        The files in the order of `paths`, those of a folder sorted. What is named more than once
        comes once.

    Raises:
        ValueError: If a file or folder is missing, or a folder has no images.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        files = _images_in(path) if path.is_dir() else [path]
        if not path.exists():
            raise ValueError(f"There is no image or folder {str(path)!r}.")
        if not files:
            raise ValueError(
                f"There are no images in the folder {str(path)!r}: no file whose name ends in "
                f"{', '.join(sorted(IMAGE_SUFFIXES))}."
            )
        found.update(dict.fromkeys(files))
    return list(found)


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


def _images_in(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )
