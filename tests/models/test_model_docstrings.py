"""Examples in docstrings give what they show."""

import doctest
import importlib

import keras
import numpy as np
import pytest

import keras_rbi

MODULES = (
    "keras_rbi.layers.accepted",
    "keras_rbi.models.add_classes",
    "keras_rbi.models.loading",
    "keras_rbi.models.new_rows",
    "keras_rbi.models.einsum_dense",
    "keras_rbi.models.methods",
    "keras_rbi.models.p2p_net.non_maximum_suppression",
    "keras_rbi.models.p2p_net.crop_and_resize",
    "keras_rbi.models.torch_dense",
    "keras_rbi.models.torch_initializer",
    "keras_rbi.models.p2p_net.part_proposer",
    "keras_rbi.models.p2p_net.part_aligner",
    "keras_rbi.models.references.references",
    "keras_rbi.models.batch_attention",
    "keras_rbi.models.finite_pixels",
    "keras_rbi.models.head_activation",
    "keras_rbi.models.herbs.herbs",
    "keras_rbi.models.herbs.herbs_heads",
    "keras_rbi.models.p2p_net.p2p_net",
    "keras_rbi.models.references.set_references",
    "keras_rbi.models.herbs.temperature_halving",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name):
    module = importlib.import_module(name)
    names = {"np": np, "keras": keras, "keras_rbi": keras_rbi}
    results = doctest.testmod(module, extraglobs=names)
    assert results.attempted
    assert not results.failed
