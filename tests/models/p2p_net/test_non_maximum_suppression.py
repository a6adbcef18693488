"""Boxes that keep apart, against recorded choices and a choice one by one."""

import numpy as np
import pytest
from backend_functions import compiled, to_numpy
from p2p_literal import kept_boxes

from keras_rbi.models.p2p_net.non_maximum_suppression import non_maximum_suppression
from keras_rbi.models.p2p_net.part_proposer import anchor_boxes

BOXES = anchor_boxes((448, 448), (14, 14))


def chosen(scores, boxes, count):
    function = compiled(
        lambda scores: non_maximum_suppression(scores, boxes, count),
        ((None, len(boxes)), "float32"),
    )
    return to_numpy(function(np.asarray(scores, "float32")))


@pytest.mark.parametrize(("name", "count"), [("kept", 4), ("kept_first6", 6)])
def test_takes_the_recorded_boxes(parity, name, count):
    numbers = parity("p2p_heads.npz")
    found = chosen(numbers["nms/scores"], BOXES, count)
    np.testing.assert_array_equal(found, numbers[f"nms/{name}"])


def test_an_overlap_of_a_quarter_is_too_much(parity):
    numbers = parity("p2p_heads.npz")
    found = chosen(numbers["nms_threshold/scores"], BOXES, 4)
    np.testing.assert_array_equal(found, numbers["nms_threshold/kept"])


def test_takes_one_after_the_other():
    scores = np.random.default_rng(0).normal(size=(5, len(BOXES))).astype("float32")
    found = chosen(scores, BOXES, 4)
    expected = [kept_boxes(of_image, BOXES, 4) for of_image in scores]
    np.testing.assert_array_equal(found, expected)


def test_compares_overlaps_in_whole_numbers():
    # 12 of 48 is a quarter; 12 of 49 and nothing at all are less.
    boxes = np.array([[0, 0, 5, 6], [3, 0, 8, 6], [0, 0, 2, 6], [3, 0, 8, 6], [0, 9, 1, 10]])
    boxes[3] = [3, 0, 9, 6]
    found = chosen([[5, 4, 0, 3, 1], [0, 4, 5, 3, 1]], boxes, 2)
    np.testing.assert_array_equal(found, [[0, 3], [2, 1]])


def test_takes_others_where_none_keeps_apart():
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 8], [0, 0, 8, 9]])
    np.testing.assert_array_equal(chosen([[1, 2, 3]], boxes, 3), [[2, 1, 0]])
    with pytest.raises(ValueError, match="count=4"):
        non_maximum_suppression(np.ones((1, 3), "float32"), boxes, 4)
