"""Examples in docstrings give what they show."""

import doctest

import numpy as np
import pytest

import keras_rbi
from keras_rbi.datasets import added_classes, catalogue, joined_images
from keras_rbi.datasets.files import duplicates, lists, observation_names


@pytest.mark.parametrize(
    "module",
    [
        added_classes,
        catalogue,
        duplicates,
        joined_images,
        lists,
        observation_names,
        keras_rbi.datasets.load,
    ],
    ids=lambda part: part.__name__,
)
def test_examples_give_what_they_show(module):
    runner = doctest.DocTestRunner()
    tests = doctest.DocTestFinder().find(
        module, module.__name__, extraglobs={"np": np, "keras_rbi": keras_rbi}
    )
    assert any(test.examples for test in tests)
    assert sum(runner.run(test).failed for test in tests) == 0
