"""Examples in docstrings give what they show."""

import doctest
import sys

import numpy as np
import pytest

import keras_rbi  # noqa: F401


@pytest.mark.parametrize("name", ["top_classes", "predict_files"])
def test_examples_give_what_they_show(name):
    # Of these the package has the functions, under the names of their modules.
    module = sys.modules[f"keras_rbi.evaluation.{name}"]
    results = doctest.testmod(module, extraglobs={"np": np})
    assert results.attempted
    assert not results.failed
