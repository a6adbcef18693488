import doctest
import importlib

import numpy as np
import pytest

import keras_rbi
from keras_rbi.figures import plot_cams


def test_each_image_stands_above_its_maps():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 8, 8, 3)).astype("uint8")
    maps = {"backbone": rng.uniform(size=(3, 8, 8)), "combined": rng.uniform(size=(3, 8, 8))}
    figure = plot_cams(images, maps, ["a\n90 %", "$b$", "c" * 50], "cams")
    rows = np.reshape(figure.axes, (3, 3))
    for column in range(3):
        np.testing.assert_array_equal(rows[0, column].images[0].get_array(), images[column])
        for row, each in zip(rows[1:], maps.values(), strict=True):
            np.testing.assert_array_equal(row[column].images[1].get_array(), each[column])
    titles = [axes.get_title() for axes in rows[0]]
    assert titles == ["a\n90 %", r"\$b\$", "c" * 20 + "\n" + "c" * 19 + "…"]


def test_too_few_maps_are_named():
    with pytest.raises(ValueError, match="1 maps 'combined' of 2 images"):
        plot_cams(np.zeros((2, 4, 4, 3)), {"combined": np.zeros((1, 4, 4))})


@pytest.mark.parametrize("name", ["plot_cams", "html_report"])
def test_the_examples_give_what_they_show(name):
    module = importlib.import_module(f"keras_rbi.figures.{name}")
    results = doctest.testmod(module, extraglobs={"keras_rbi": keras_rbi, "np": np})
    assert results.attempted
    assert not results.failed
