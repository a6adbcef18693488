"""Names that version 0.1 had work, with a warning that says what they are called now."""

import re
from pathlib import Path

import numpy as np
import pytest

import keras_rbi
from keras_rbi.export.verification import Verification


@pytest.mark.parametrize(
    ("package", "old", "new"),
    [
        (keras_rbi.backbones, "Tap", "FeatureExtractor"),
        (keras_rbi.evaluation, "gather", "extract_features"),
        (keras_rbi.evaluation, "Gathered", "ExtractedFeatures"),
        (keras_rbi.evaluation, "FileAnswer", "FilePrediction"),
    ],
)
def test_a_name_that_has_changed(package, old, new):
    with pytest.warns(DeprecationWarning, match=f"{old} is now {package.__name__}.{new}"):
        assert getattr(package, old) is getattr(package, new)


def test_an_attribute_that_has_changed():
    empty = np.zeros(0)
    found = keras_rbi.explanations.Influence(
        0, 0, 0.0, 0.0, empty, empty, np.array([3, 1]), empty, empty, empty
    )
    with pytest.warns(DeprecationWarning, match="Influence.mates is now Influence.sources"):
        assert found.mates is found.sources
    verification = Verification({}, 1e-7, True)
    with pytest.warns(DeprecationWarning, match="is now Verification.batch_composition"):
        assert verification.company == 1e-7


def test_a_name_that_there_never_was():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        keras_rbi.backbones.nothing  # noqa: B018


def test_one_place_warns():
    root = Path(keras_rbi.__file__).parent
    found = [
        path.name
        for path in root.rglob("*.py")
        if re.search(r"(?<!`)\b(Deprecation|Future)Warning\b(?!`)", path.read_text("utf-8"))
    ]
    assert found == ["_deprecation.py"]
