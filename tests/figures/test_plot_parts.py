import doctest
import importlib

import keras
import numpy as np
import pytest
from backend_functions import to_numpy
from p2p_literal import crop

import keras_rbi
from keras_rbi.figures import plot_parts
from keras_rbi.models import P2PNet

SIDE = 32


def test_parts_stand_in_order_below_their_image():
    keras.utils.set_random_seed(0)
    model = P2PNet(keras_rbi.backbones.SmallCNN((SIDE, SIDE, 3)), 4, units=8, num_parts=3)
    images = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3)).astype("uint8")
    model.aligner.centers.assign(np.abs(np.random.default_rng(1).normal(size=(3, 64))))
    model.aligner.count.assign(9.0)
    outputs = model.outputs_of(keras.ops.convert_to_tensor(images), training=False)
    boxes, order = to_numpy(outputs["boxes"]), to_numpy(outputs["order"])
    assert (order != np.arange(3)).any()

    figure = plot_parts(model, images, [f"$image {number}" for number in range(5)], "parts")
    rows = np.reshape(figure.axes, (4, 5))
    for column, image in enumerate(images):
        np.testing.assert_array_equal(rows[0, column].images[0].get_array(), image)
        assert rows[0, column].get_title() == rf"\$image {column}"
        edges = [patch.get_bbox().extents for patch in rows[0, column].patches]
        for part, number in enumerate(order[column]):
            top, left, bottom, right = box = boxes[column, number]
            np.testing.assert_array_equal(edges[part] + 0.5, [left, top, right, bottom])
            shown = np.asarray(rows[1 + part, column].images[0].get_array())
            expected = crop(image, box, (bottom - top, right - left))
            inside = crop(np.ones_like(image), box, (bottom - top, right - left)) > 0
            np.testing.assert_array_equal(shown[inside], expected[inside])
            assert (shown[~inside] == 128).all()


def test_other_models_have_no_parts():
    with pytest.raises(ValueError, match="P2PNet"):
        plot_parts(keras_rbi.backbones.SmallCNN((SIDE, SIDE, 3)), np.zeros((1, SIDE, SIDE, 3)))


def test_the_example_gives_what_it_shows():
    module = importlib.import_module("keras_rbi.figures.plot_parts")
    results = doctest.testmod(module, extraglobs={"keras_rbi": keras_rbi, "np": np})
    assert results.attempted
    assert not results.failed
