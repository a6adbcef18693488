"""The statistics of the paper's tables, by hand."""

import math

import pytest

from applications.paper.statistics import Gain, mean_and_sd, paired_gain, percent, points


def test_mean_and_standard_deviation():
    # Deviations -1, 0, 1 from 2: variance 2 / (3 - 1).
    assert mean_and_sd([1.0, 2.0, 3.0]) == (2.0, 1.0)
    mean, deviation = mean_and_sd([0.25])
    assert mean == 0.25
    assert math.isnan(deviation)


def test_a_gain_is_paired_by_seed_and_its_interval_is_students():
    alone = {0: 0.50, 1: 0.40, 2: 0.60, 7: 0.99}
    ours = {2: 0.63, 0: 0.51, 1: 0.42, 9: 0.01}
    gain = paired_gain(ours, alone)
    # Differences 0.01, 0.02, 0.03: mean 0.02, deviation 0.01; t of 2 degrees is 4.302653.
    margin = 4.302653 * 0.01 / math.sqrt(3)
    assert gain.seeds == 3
    assert gain.mean == pytest.approx(0.02)
    assert (gain.low, gain.high) == pytest.approx((0.02 - margin, 0.02 + margin), rel=1e-5)
    assert not gain.is_known
    assert points(gain) == "+2.0 [-0.5, +4.5]"


def test_a_gain_that_leaves_out_zero_is_known():
    assert Gain(0.02, 0.01, 0.03, 3).is_known
    assert Gain(-0.02, -0.03, -0.01, 3).is_known


def test_one_seed_has_no_interval_and_no_seed_no_gain():
    gain = paired_gain({0: 0.5}, {0: 0.4})
    assert points(gain) == "+10.0"
    assert not gain.is_known
    assert paired_gain({0: 0.5}, {1: 0.4}) is None
    assert points(None) == "-"


def test_percent():
    assert percent([0.5, 0.7]) == "60.0 ± 14.1"
    assert percent([0.5]) == "50.0"
