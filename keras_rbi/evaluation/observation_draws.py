"""So many images of each observation, drawn."""

from collections.abc import Sequence

import numpy as np

# Enough that a figure depends little on which images are drawn.
DRAWS = 10


def sizes_to_draw(counts: Sequence[int], least: int = 1) -> list[int]:
    """1, 2, 4, 8 ... images, as far as so many observations have them.

    Args:
        counts: Number of images of each observation.
        least: Integer, how many observations must have as many images. Defaults to `1`.

    Example:

    >>> from keras_rbi.evaluation.observation_draws import sizes_to_draw
    >>> sizes_to_draw([5, 3, 1])
    [1, 2, 4]
    """
    powers = (2**power for power in range(max(counts, default=0).bit_length()))
    return [size for size in powers if sum(count >= size for count in counts) >= least]


def drawn_images(
    members: Sequence[np.ndarray], size: int, draws: int = DRAWS, seed: int = 0
) -> np.ndarray:
    """So many images of each observation that has as many, drawn several times.

    Args:
        members: Numbers of the images of each observation.
        size: Integer, images of a draw; none comes twice in it.
        draws: Integer. Defaults to `10`.
        seed: Integer. Defaults to `0`.

    Returns:
        int64 array of shape `(draws * observations, size)`.
    """
    rng = np.random.default_rng([seed, size])
    enough = [numbers for numbers in members if len(numbers) >= size]
    rows = [rng.permutation(numbers)[:size] for _ in range(draws) for numbers in enough]
    return np.array(rows, np.int64).reshape(-1, size)
