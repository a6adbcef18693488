"""Boxes all over an image, against the recorded ones and a calculation by hand."""

import keras
import numpy as np
import pytest

from keras_rbi.models.p2p_net import PartProposer
from keras_rbi.models.p2p_net.part_proposer import anchor_boxes


def test_boxes_are_the_recorded_ones(parity):
    numbers = parity("p2p_heads.npz")
    np.testing.assert_array_equal(
        anchor_boxes((448, 448), (14, 14)), numbers["anchors/padded_int"] - 224
    )


def test_boxes_are_those_of_the_equations():
    found = anchor_boxes((96, 160), (3, 5))
    expected = []
    for level, scales in enumerate(((1, 2), (1, 2), (0, 1, 2))):
        stride = 32 * 2**level
        rows, columns = ((3, 5), (2, 3), (1, 2))[level]
        for scale in scales:
            for aspect in (0.667, 1, 1.5):
                side = 1.5 * stride * 2 ** (scale / 3)
                for row in range(rows):
                    for column in range(columns):
                        y, x = stride * (row + 0.5), stride * (column + 0.5)
                        height, width = side / aspect**0.5, side * aspect**0.5
                        expected.append(
                            (y - height / 2, x - width / 2, y + height / 2, x + width / 2)
                        )
    np.testing.assert_array_equal(found, np.floor(expected))
    assert found.dtype == "int32"


def test_has_a_score_for_each_box_and_is_saved(tmp_path):
    inputs = keras.Input((3, 5, 4))
    model = keras.Model(inputs, PartProposer((96, 160))(inputs))
    maps = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype("float32")
    scores = np.asarray(model.predict(maps, verbose=0))
    assert scores.shape == (2, len(anchor_boxes((96, 160), (3, 5))))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(np.asarray(loaded.predict(maps, verbose=0)), scores)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_scores_are_whole_in_half_precision(dtype):
    scores = PartProposer((64, 64), dtype=dtype)(np.ones((1, 2, 2, 4), "float32"))
    assert keras.backend.standardize_dtype(scores.dtype) == "float32"
