"""How many epochs fit into a time, by a clock that is set by hand."""

import dataclasses
import importlib

import numpy as np
import pytest

from keras_rbi.datasets import ImageData
from keras_rbi.training import TrainingSettings, settings_within
from keras_rbi.training.settings_within import TimeOfTraining

pytestmark = pytest.mark.usefixtures("untraced")

module = importlib.import_module("keras_rbi.training.settings_within")
PRETRAINED = TrainingSettings(dataset=".", backbone="EfficientNetLite0", weights="imagenet")
SCRATCH = dataclasses.replace(PRETRAINED, backbone="SmallCNN", weights="none")


@pytest.fixture
def taken(monkeypatch):
    """What all takes: 10 s to start, 20 s for features, 30 s an epoch, 5 s at the end."""
    times = TimeOfTraining(start=10.0, head=20.0, epoch=30.0, end=5.0, steps=15)
    monkeypatch.setattr(module, "time_of_training", lambda *_: times)


# A tenth of each time is kept in reserve: 36 of 40 s, 67.5 of 75, 162 of 180 s.
@pytest.mark.parametrize(
    ("settings", "minutes", "epochs", "quick"),
    [
        (PRETRAINED, 40 / 60, 10, True),
        (PRETRAINED, 75 / 60, 10, True),
        (PRETRAINED, 3.0, 4, False),
        (PRETRAINED, 600.0, 50, False),
        (SCRATCH, 3.0, 4, False),
    ],
)
def test_as_many_epochs_as_fit_or_the_head_alone(taken, settings, minutes, epochs, quick):
    found = settings_within(minutes, settings, {})
    assert (found.epochs, found.quick) == (epochs, quick)
    # As if they had been asked for: all else that follows from them does.
    asked = dataclasses.replace(settings, **({"quick": True} if quick else {"epochs": epochs}))
    assert found == asked.resolved()


def test_a_head_is_left_for_no_few_steps(taken, monkeypatch):
    times = TimeOfTraining(start=10.0, head=20.0, epoch=30.0, end=5.0, steps=7)
    monkeypatch.setattr(module, "time_of_training", lambda *_: times)
    # Four epochs of 7 steps, and five.
    assert settings_within(3.0, PRETRAINED, {}).quick
    assert settings_within(3.6, PRETRAINED, {}).epochs == 5
    assert settings_within(3.0, SCRATCH, {}).epochs == 4


def test_what_is_spent_counts(taken):
    assert settings_within(3.0, PRETRAINED, {}, spent=61.0).epochs == 2
    with pytest.raises(ValueError, match=r"^0\.5 minutes are too few"):
        settings_within(0.5, SCRATCH, {}, spent=40.0)


@pytest.mark.parametrize(
    ("settings", "minutes", "what"),
    [(PRETRAINED, 0.5, "a head would take about 0.6"), (SCRATCH, 1.0, "two epochs .* about 1.4")],
)
def test_what_does_not_fit_is_told(taken, settings, minutes, what):
    with pytest.raises(ValueError, match=rf"minutes are too few: {what}"):
        settings_within(minutes, settings, {})


@pytest.mark.parametrize("given", [{"epochs": 3}, {"quick": True}])
def test_what_says_the_length_itself_is_refused(given):
    with pytest.raises(ValueError, match="Leave out either"):
        settings_within(1.0, dataclasses.replace(PRETRAINED, **given), {})


class Shades(ImageData):
    def __init__(self, count):
        self.labels, self.class_names = np.arange(count) % 2, ["a", "b"]
        self.image_size = 16

    def image(self, index):
        return np.full((16, 16, 3), index, np.uint8)


def test_times_grow_with_the_images():
    settings = TrainingSettings(image_size=16, batch_size=4, backbone="SmallCNN").resolved()
    few, many = (
        module.time_of_training(
            settings, {split: Shades(count) for split in ("train", "validation", "test")}
        )
        for count in (8, 80)
    )
    # Ten times as many, on a machine that others may use.
    assert 2.0 < many.epoch / few.epoch < 50.0
