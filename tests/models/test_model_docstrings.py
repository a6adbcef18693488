"""Examples in docstrings give what they show."""

import doctest

import keras
import numpy as np
import pytest

import keras_rbi
from keras_rbi.layers import references
from keras_rbi.models import relates_to_references


@pytest.mark.parametrize("module", [references, relates_to_references], ids=lambda m: m.__name__)
def test_examples_give_what_they_show(module):
    names = {"np": np, "keras": keras, "keras_rbi": keras_rbi}
    results = doctest.testmod(module, extraglobs=names)
    assert results.attempted
    assert not results.failed
