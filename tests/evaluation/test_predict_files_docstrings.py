"""Examples in docstrings give what they show."""

import doctest
import importlib

import numpy as np
import pytest

import keras_rbi

MODULES = [
    "evaluation.accuracy_by_relations",
    "evaluation.attention_diagnostics",
    "evaluation.classification_scores",
    "evaluation.cluster_scores",
    "evaluation.compare",
    "evaluation.confident_learning",
    "evaluation.directions",
    "evaluation.evaluate_observations",
    "evaluation.evaluate_protocol",
    "evaluation.label_issues",
    "evaluation.logistic_regression",
    "evaluation.look_alikes",
    "evaluation.mistaken_images",
    "evaluation.mistakes",
    "evaluation.observation_calibration",
    "evaluation.observation_draws",
    "evaluation.observation_probabilities",
    "evaluation.out_of_sample",
    "evaluation.paired_statistics",
    "evaluation.predict_files",
    "evaluation.predict_observations",
    "evaluation.spreadsheet",
    "evaluation.stratified_folds",
    "evaluation.top_classes",
    "figures.embedding_map",
    "figures.label_issues_report",
    "figures.mistakes_report",
    "figures.photograph_cards",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name):
    # Imported by name, since packages have functions of the modules' names.
    module = importlib.import_module(f"keras_rbi.{name}")
    results = doctest.testmod(module, extraglobs={"np": np, "keras_rbi": keras_rbi})
    assert results.attempted
    assert not results.failed
