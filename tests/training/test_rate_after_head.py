"""The learning rate of all by what the head is worth: from the first epoch on, and when resumed."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from PIL import Image

from keras_rbi import backbones
from keras_rbi.training import RunFolder, TrainingSettings, prepare

pytestmark = pytest.mark.usefixtures("untraced")


@pytest.fixture
def settings(tmp_path):
    """A backbone with weights, and classes that are told by brightness, or not at all."""
    generator = np.random.default_rng(0)
    for number in range(80):
        told = 60 + 120 * (number % 2) + generator.integers(0, 30)
        for name, shade in (("told", told), ("untold", 100)):
            split = ("train", "train", "validation", "test")[number // 20]
            path = tmp_path / name / split / "ab"[number % 2] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((20, 20, 3), shade, np.uint8)).save(path)
    keras.utils.set_random_seed(0)
    backbones.get("SmallCNN", image_size=16).save_weights(tmp_path / "cnn.weights.h5")
    return TrainingSettings(
        dataset=str(tmp_path / "told"),
        backbone="SmallCNN",
        weights=str(tmp_path / "cnn.weights.h5"),
        image_size=16,
        epochs=1,
        batch_size=8,
        feature_head=True,
        schedule="constant",
        warmup_epochs=0.0,
    )


@pytest.mark.parametrize(("name", "rate"), [("told", 1e-3), ("untold", 6e-3)])
def test_what_the_head_gets_sets_the_rate(settings, tmp_path, name, rate):
    given = dataclasses.replace(settings, dataset=str(tmp_path / name), rate_by_head=True)
    run = prepare(given, RunFolder(tmp_path / "run"))
    assert run.settings.learning_rate == 1e-3
    accuracy = run.fit_head()
    assert (accuracy >= 0.9) == (name == "told"), accuracy
    assert run.settings.learning_rate == rate
    assert float(run.model.optimizer.learning_rate) == pytest.approx(rate)
    stored = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert stored["settings"]["learning_rate"] == rate
    # Killed before its first epoch, and behind it.
    again = prepare(given, RunFolder(tmp_path / "run"), resume=True)
    again.fit(verbose=0)
    assert again.settings.learning_rate == rate
    after = prepare(given, RunFolder(tmp_path / "run"), resume=True)
    assert float(after.model.optimizer.learning_rate) == pytest.approx(rate)


def test_it_is_a_default_of_what_it_was_measured_for():
    given = TrainingSettings(dataset="birds/", backbone="EfficientNetLite0")
    assert given.resolved().rate_by_head
    for other in (
        {"learning_rate": 1e-3},
        {"backbone": "DenseNet201"},
        {"dataset": "typefaces"},
        {"recipe": "finetune"},
        {"feature_head": False},
        {"method": "herbs"},
        {"freeze": "backbone"},
        {"weights": "none"},
    ):
        assert not dataclasses.replace(given, **other).resolved().rate_by_head, other


def test_without_a_head_there_is_nothing_to_go_by():
    given = TrainingSettings(dataset="birds/", feature_head=False, rate_by_head=True)
    with pytest.raises(ValueError, match="Pass feature_head=True too"):
        given.resolved()
