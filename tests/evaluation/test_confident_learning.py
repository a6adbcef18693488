"""Confident learning, against counts by hand and those of cleanlab."""

import numpy as np
import pytest

from keras_rbi.evaluation import confident_learning

# Of three classes, rounded to hundredths.
LABELS = [2, 1, 2, 2, 1, 2, 2, 0, 0, 0, 0, 2, 2, 0, 1, 2, 0, 2, 0, 1, 2, 0, 1, 0]
ROWS = """
18 6 76   51 33 16  12 23 65  10 4 86   49 35 16  58 19 23  8 23 69   40 52 8
62 31 7   67 17 16  23 17 60  23 52 25  3 40 57   4 72 24   11 27 62  22 49 29
77 8 15   6 11 83   78 20 2   4 94 2    3 5 92    87 6 7    3 94 3    61 24 15
"""
PROBABILITIES = np.array(ROWS.split(), float).reshape(-1, 3) / 100
# What cleanlab 2.9.0 gives for them: `get_confident_thresholds`; `compute_confident_joint` without
# calibration, whose diagonal is 1 at least; its off-diagonal images by `order_label_issues` with
# "normalized_margin"; and `get_normalized_margin_for_each_label`, here from -1 to 1.
THRESHOLDS = [0.55444444, 0.566, 0.605]
JOINT = [[6, 1, 0], [0, 2, 1], [1, 0, 6]]
RANKED = [13, 5, 14]
MARGINS = [-0.68, -0.35, -0.35]


def test_counts_are_those_of_cleanlab():
    found = confident_learning(PROBABILITIES, np.array(LABELS))
    np.testing.assert_allclose(found.thresholds, THRESHOLDS, atol=1e-7)
    np.testing.assert_array_equal(found.counts, JOINT)
    np.testing.assert_array_equal(found.suspects, RANKED)
    np.testing.assert_allclose(found.margins, MARGINS)
    np.testing.assert_array_equal(found.suggested, [1, 0, 2])


def test_a_small_example_by_hand():
    """Thresholds: (.8 + .6 + .1) / 3 = .5, (.5 + .9) / 2 = .7 and .3, of the only image."""
    probabilities = np.array(
        [
            [0.8, 0.1, 0.1],  # 0, sure of 0
            [0.6, 0.0, 0.4],  # 0, of 0 and of 2: the likelier counts
            [0.1, 0.7, 0.2],  # 0, sure of 1: a suspect, margin .1 - .7
            [0.1, 0.5, 0.4],  # 1, not sure of 1, but of 2, which is less likely: margin .5 - .4
            [0.1, 0.9, 0.0],  # 1, sure of 1
            [0.4, 0.3, 0.3],  # 2, sure of 2, though 0 is likelier
        ]
    )
    found = confident_learning(probabilities, np.array([0, 0, 0, 1, 1, 2]))
    np.testing.assert_allclose(found.thresholds, [0.5, 0.7, 0.3])
    np.testing.assert_array_equal(found.counts, [[2, 1, 0], [0, 1, 1], [0, 0, 1]])
    np.testing.assert_array_equal(found.suspects, [2, 3])
    np.testing.assert_array_equal(found.suggested, [1, 2])
    np.testing.assert_allclose(found.margins, [-0.6, 0.1])


def test_what_could_not_be_judged_counts_for_nothing():
    # Between the others, and the only image of a fourth class.
    some = np.insert(PROBABILITIES, 5, np.nan, axis=0)
    some = np.concatenate([some, np.zeros((len(some), 1))], 1)
    some[5] = np.nan
    found = confident_learning(some, np.insert(LABELS, 5, 3))
    assert np.isinf(found.thresholds[3])
    np.testing.assert_array_equal(found.counts[:3, :3], JOINT)
    assert not found.counts[3].any()
    assert not found.counts[:, 3].any()
    np.testing.assert_array_equal(found.suspects, [14, 6, 15])


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (np.ones((2, 1)), [0, 0], r"shape \(images, classes\), with two classes"),
        (np.ones((2, 2)), [0], r"1 labels and probabilities of 2 images"),
        (np.ones((2, 2)), [0, 2], r"from 0 to 1.*labels from 0 to 2"),
    ],
)
def test_what_does_not_fit_is_refused(probabilities, labels, message):
    with pytest.raises(ValueError, match=message):
        confident_learning(probabilities, np.array(labels))
