"""Ways of augmenting images, by name."""

from collections.abc import Callable

import numpy as np

from keras_rbi.datasets.augmentation import flip_and_rotate
from keras_rbi.datasets.rand_augment import rand_augment
from keras_rbi.datasets.random_resized_crop import crop_and_flip, jitter_colours

Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]
PAPER = "paper"


def _torchvision(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return jitter_colours(crop_and_flip(image, rng), rng)


def _randaugment(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rand_augment(crop_and_flip(image, rng), rng)


AUGMENTATIONS: dict[str, Augment] = {
    PAPER: flip_and_rotate,
    "torchvision": _torchvision,
    "randaugment": _randaugment,
}


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

    >>> from keras_rbi.datasets import augmentation_recipes
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
