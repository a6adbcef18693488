"""The files of which the trees are made."""

import numpy as np
from PIL import Image
from scipy.io import savemat


def draw(path, number, size=(24, 18)):
    """An image whose colours tell its number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(number)
    pixels = np.empty((size[1], size[0], 3), np.uint8)
    pixels[:] = rng.integers(0, 256, 3)
    pixels[4:8, 4:8] = rng.integers(0, 256, 3)
    Image.fromarray(pixels).save(path, quality=95)
    return path


def lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in rows), "utf-8")


def mat(path, **variables):
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, variables)


def cells(names):
    """A MATLAB cell array of strings."""
    array = np.empty((len(names), 1), object)
    array[:, 0] = names
    return array


def annotations(rows, fields):
    """A MATLAB struct array."""
    array = np.empty((1, len(rows)), [(name, object) for name in fields])
    for place, row in enumerate(rows):
        for name, value in zip(fields, row, strict=True):
            array[0, place][name] = value
    return array
