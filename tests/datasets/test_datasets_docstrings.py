"""Examples in docstrings give what they show."""

import doctest

import pytest

import keras_rbi
from keras_rbi.datasets import catalogue, joined_images
from keras_rbi.datasets.files import duplicates, lists


@pytest.mark.parametrize(
    "module",
    [catalogue, duplicates, joined_images, lists, keras_rbi.datasets.load],
    ids=lambda part: part.__name__,
)
def test_examples_give_what_they_show(module):
    runner = doctest.DocTestRunner()
    tests = doctest.DocTestFinder().find(
        module, module.__name__, extraglobs={"keras_rbi": keras_rbi}
    )
    assert any(test.examples for test in tests)
    assert sum(runner.run(test).failed for test in tests) == 0
