"""Examples in docstrings give what they show."""

import doctest

import keras
import numpy as np
import pytest

import keras_rbi
from keras_rbi.datasets.batches import mixing
from keras_rbi.training import freezing, learning_rate, run_data, setting, settings, stages
from keras_rbi.training.recipes import read as recipes


@pytest.mark.parametrize(
    "module",
    [freezing, learning_rate, mixing, recipes, setting, settings, stages],
    ids=lambda module: module.__name__,
)
def test_examples_give_what_they_show(module, monkeypatch):
    for split in run_data.TYPEFACES_PER_CLASS:
        monkeypatch.setitem(run_data.TYPEFACES_PER_CLASS, split, 1)
    names = {"np": np, "keras": keras, "keras_rbi": keras_rbi}
    results = doctest.testmod(module, extraglobs=names)
    assert results.attempted
    assert not results.failed
