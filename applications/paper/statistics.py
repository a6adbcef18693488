"""Means over seeds, and what a method gains on another with the same seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Gain:
    """A mean difference over seeds, with its interval where there are two seeds or more."""

    mean: float
    low: float
    high: float
    seeds: int

    @property
    def is_known(self) -> bool:
        """Whether the interval leaves out 0."""
        return not math.isnan(self.low) and (self.low > 0 or self.high < 0)


def mean_and_sd(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation, which is NaN for one value.

    Args:
        values: At least one number.

    Returns:
        The two.
    """
    numbers = np.asarray(values, float)
    return float(numbers.mean()), float(numbers.std(ddof=1)) if len(numbers) > 1 else math.nan


def paired_gain(values: dict[int, float], others: dict[int, float]) -> Gain | None:
    """How much higher `values` are than `others`, seed by seed.

    The interval is Student's for the mean of the differences: with few seeds it is wide, and it
    takes differences to be normally distributed.

    Args:
        values: From seeds to numbers.
        others: The same of what it is compared with.

    Returns:
        The gain over the seeds that both have, with an interval of 95 %, or `None` if there are
        none.
    """
    seeds = sorted(values.keys() & others.keys())
    if not seeds:
        return None
    mean, deviation = mean_and_sd([values[seed] - others[seed] for seed in seeds])
    if len(seeds) == 1:
        return Gain(mean, math.nan, math.nan, 1)
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(seeds) - 1))
    margin = reach * deviation / math.sqrt(len(seeds))
    return Gain(mean, mean - margin, mean + margin, len(seeds))


def percent(values: Sequence[float]) -> str:
    """Shares as "mean ± standard deviation" in percent."""
    mean, deviation = mean_and_sd(values)
    spread = "" if math.isnan(deviation) else f" ± {100 * deviation:.1f}"
    return f"{100 * mean:.1f}{spread}"


def points(gain: Gain | None) -> str:
    """A gain in percentage points, with its interval."""
    if gain is None:
        return "-"
    interval = "" if math.isnan(gain.low) else f" [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]"
    return f"{100 * gain.mean:+.1f}{interval}"
