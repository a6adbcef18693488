"""McNemar's test and the paired bootstrap."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

# Fewer images on which one is right and the other wrong than this take the exact test.
EXACT_BELOW = 25
RESAMPLES = 10_000


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of two classifiers on the same images.

    Attributes:
        only_a: Images on which A alone is right.
        only_b: Images on which B alone is right.
        p_value: Probability of a difference as large as this if neither were better.
        method: `"exact binomial"` where fewer than 25 images tell them apart, and otherwise
            `"chi-squared with continuity correction"`.
    """

    only_a: int
    only_b: int
    p_value: float
    method: str


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> McNemar:
    """McNemar's test.

    Args:
        right_a: Booleans, shape `(images,)`: where A is right.
        right_b: Likewise for B.

    Returns:
        A `McNemar`.

    Example:

    >>> right_a = np.array([True, True, True, False])
    >>> right_b = np.array([False, False, False, False])
    >>> keras_rbi.evaluation.mcnemar(right_a, right_b).p_value
    0.25

    Reference:
        [McNemar, 1947](https://doi.org/10.1007/BF02295996).
    """
    only_a, only_b = int(np.sum(right_a & ~right_b)), int(np.sum(right_b & ~right_a))
    differing = only_a + only_b
    if differing < EXACT_BELOW:
        p_value = stats.binomtest(only_a, differing).pvalue if differing else 1.0
        return McNemar(only_a, only_b, float(p_value), "exact binomial")
    statistic = max(abs(only_a - only_b) - 1, 0) ** 2 / differing
    p_value = stats.chi2.sf(statistic, 1)
    return McNemar(only_a, only_b, float(p_value), "chi-squared with continuity correction")


def paired_bootstrap(
    right_a: np.ndarray,
    right_b: np.ndarray,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of the difference in accuracy, B less A, over resampled images.

    A resample draws as many images as there are, each with the predictions of both.

    Args:
        right_a: Booleans, shape `(images,)`: where A is right.
        right_b: Likewise for B.
        confidence: Share of resamples within the interval. Defaults to `0.95`.
        resamples: Integer. Defaults to `10000`.
        seed: Integer. Defaults to `0`.

    Returns:
        The lower and the upper end.

    Example:

    >>> same = np.array([True, False, True])
    >>> keras_rbi.evaluation.paired_bootstrap(same, same)
    (0.0, 0.0)
    """
    # An image counts 1, -1 or 0, so a resample is a draw of how many there are of each.
    only_a, only_b = np.sum(right_a & ~right_b), np.sum(right_b & ~right_a)
    count = len(right_a)
    shares = np.array([only_a, only_b, count - only_a - only_b]) / count
    drawn = np.random.default_rng(seed).multinomial(count, shares, size=resamples)
    differences = (drawn[:, 1] - drawn[:, 0]) / count
    low, high = np.quantile(differences, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
