"""Images of a run's data, one by one, with labels and names; no backend is needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_rbi._lazy import np
from keras_rbi.training.run_data import read_split
from keras_rbi.training.run_folder import RunFolder


def images_to_show(
    path: Path, split: str, most: int, image_size: int, class_names: Sequence[str]
) -> tuple[int, Iterator[tuple[int, str, np.ndarray]]]:
    """Images of a run, as many of each class as there is room for.

    Args:
        path: The run folder, or the model in it.
        split: `"train"`, `"validation"` or `"test"`.
        most: Integer, most images.
        image_size: Their side in pixels.
        class_names: Names of the model's classes, whose numbers are the labels.

    Returns:
        How many there are, and an iterator over label, name and uint8 pixels of each.

    Raises:
        ValueError: If there is no run folder, if its data is missing, or if a class of it is none
            of the model's.
    """
    folder = RunFolder.around(path)
    if not folder.settings.is_file():
        raise ValueError(f"{str(path)!r} has no run folder beside it, which names the images.")
    settings, _ = folder.read_settings()
    data = read_split(dataclasses.replace(settings, image_size=image_size), split)
    number = {name: place for place, name in enumerate(class_names)}
    if unknown := [name for name in data.class_names if name not in number]:
        raise ValueError(f"The data of the run has the class {unknown[0]!r}, and the model not.")
    chosen = evenly(data.labels, most, settings.seed)
    files = getattr(data, "files", None)

    def images() -> Iterator[tuple[int, str, np.ndarray]]:
        for index in chosen:
            name = data.class_names[data.labels[index]]
            shown = files[index] if files is not None else f"{name} {index}"
            yield number[name], str(shown), data.image(index)

    return len(chosen), images()


def evenly(labels: np.ndarray, most: int, seed: int) -> list[int]:
    """Numbers of images, drawn so that no class has two more than another that has any left.

    Args:
        labels: Integers, shape `(images,)`.
        most: Integer, most images.
        seed: Of the draw.

    Example:

    >>> from keras_rbi.training.images_to_show import evenly
    >>> labels = np.array([0] * 6 + [1] * 2)
    >>> np.bincount(labels[evenly(labels, 5, seed=0)]).tolist()
    [3, 2]
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    # The first of each class, then the second of each, and so on.
    turn = np.zeros(len(labels), int)
    for label in np.unique(labels):
        of_it = order[labels[order] == label]
        turn[of_it] = np.arange(len(of_it))
    chosen = order[np.argsort(turn[order], kind="stable")][:most]
    return sorted(chosen.tolist())
