"""Ways of augmenting images, by name."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from keras_rbi.datasets.batches.augmentation import flip_and_rotate
from keras_rbi.datasets.batches.rand_augment import rand_augment
from keras_rbi.datasets.batches.random_resized_crop import crop_and_flip, jitter_colours
from keras_rbi.datasets.image_data import ImageData

Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]
PAPER = "paper"


# Side of the images that parts are cut from, in times that of the part: half of the parts are
# then not enlarged, and decoded images take 2.25 times the room in a cache.
MARGIN = 1.5


def _torchvision(
    image: np.ndarray, rng: np.random.Generator, image_size: int | None = None
) -> np.ndarray:
    return jitter_colours(crop_and_flip(image, rng, image_size), rng)


def _randaugment(
    image: np.ndarray, rng: np.random.Generator, image_size: int | None = None
) -> np.ndarray:
    return rand_augment(crop_and_flip(image, rng, image_size), rng)


AUGMENTATIONS: dict[str, Augment] = {
    PAPER: flip_and_rotate,
    "torchvision": _torchvision,
    "randaugment": _randaugment,
}
CROPS = (_torchvision, _randaugment)


def augmentation(augment: str | Augment | None) -> Augment | None:
    """The function that a name stands for; functions and `None` are given back.

    Args:
        augment: A name of `AUGMENTATIONS`, a function of an image and a NumPy random generator,
            or `None`.

    Returns:
        The function, or `None`.

    Raises:
        ValueError: If there is no such name, or if it is none of these.

    Example:

    >>> from keras_rbi.datasets.batches import augmentation_recipes
    >>> augment = augmentation_recipes.augmentation("randaugment")
    >>> augment(np.zeros((8, 8, 3), "uint8"), np.random.default_rng(0)).shape
    (8, 8, 3)
    """
    if augment is None or callable(augment):
        return augment
    if not isinstance(augment, str) or augment not in AUGMENTATIONS:
        names = ", ".join(map(repr, AUGMENTATIONS))
        raise ValueError(
            f"`augment` must be one of {names}, a function of an image and a random generator, or "
            f"None. Received: augment={augment!r}."
        )
    return AUGMENTATIONS[augment]


def with_source(augment: Augment | None, data: ImageData) -> tuple[ImageData, Augment | None]:
    """Images to augment, and the function that makes them those of the data's size.

    Args:
        augment: A function, or `None`.
        data: The data.

    Returns:
        The data, or, where parts of images are enlarged and it has larger ones, those; and the
        function.
    """
    if augment not in CROPS:
        return data, augment
    larger = data.at_size(math.ceil(MARGIN * data.image_size))
    return larger or data, partial(augment, image_size=data.image_size)
