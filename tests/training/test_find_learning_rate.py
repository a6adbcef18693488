"""A learning rate range test: its rates, its end, what it suggests."""

import json

import keras
import numpy as np
import pytest
from keras import ops

import keras_rbi
from keras_rbi.cli.main import run
from keras_rbi.datasets import typefaces
from keras_rbi.training import RangeTest, learning_rate_range_test
from keras_rbi.training.learning_rate_range_test import smooth

pytestmark = pytest.mark.usefixtures("untraced")


@pytest.fixture(scope="module")
def images():
    return typefaces.load("train", per_class=2, image_size=16, batch_size=16)


def compiled(images, optimizer):
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8))
    model = keras_rbi.RBIModel(backbone, class_names=images.class_names)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def test_the_rate_of_each_step_is_the_one_that_is_told(images):
    """By the first step of plain gradient descent, and the schedule after the last."""
    model = compiled(images, keras.optimizers.SGD(123.0))
    twin = compiled(images, keras.optimizers.SGD(1e-3))
    twin.set_weights(model.get_weights())
    learning_rate_range_test(compiled(images, "sgd"), images, steps=2)
    found = learning_rate_range_test(model, images, steps=5, lowest=1e-3, highest=1e-2)
    np.testing.assert_allclose(found.rates, 1e-3 * 10 ** (np.arange(5) / 4), rtol=1e-6)
    rate = float(ops.convert_to_numpy(model.optimizer.learning_rate))
    assert rate == pytest.approx(1e-2 * 10**0.25, rel=1e-4)
    twin.train_on_batch(*images[0])
    assert len(found.losses) == 5


def test_it_ends_where_training_fails(images):
    model = compiled(images, keras.optimizers.SGD(1.0))
    found = learning_rate_range_test(model, images, steps=40, lowest=1e-3, highest=1e6)
    assert len(found.losses) < 40
    assert len(found.rates) == len(found.losses) == len(found.smoothed)


def test_factors_of_the_rate_stay(images):
    optimizer = keras_rbi.RectifiedAdam(1.0, learning_rate_factors={"block": 0.0})
    model = compiled(images, optimizer)
    before = [np.array(weights) for weights in model.backbone.trainable_weights]
    head = np.array(model.classifier.kernel)
    learning_rate_range_test(model, images, steps=12)
    for old, new in zip(before, model.backbone.trainable_weights, strict=True):
        np.testing.assert_array_equal(old, np.array(new))
    assert np.abs(np.array(model.classifier.kernel) - head).max() > 0


def test_smoothing_is_the_average_with_weights_that_fade():
    losses = [3.0, 1.0, 2.0, 5.0]
    expected, average = [], 0.0
    for step, loss in enumerate(losses, start=1):
        average = 0.9 * average + 0.1 * loss
        expected.append(average / (1 - 0.9**step))
    np.testing.assert_allclose(smooth(np.array(losses)), expected)


def test_the_suggestion_is_where_the_loss_falls_fastest():
    rates = np.geomspace(1e-5, 1e-1, 9)
    smoothed = np.array([3.0, 3.0, 2.9, 2.5, 1.7, 1.5, 1.4, 1.6, np.nan])
    # Central differences: -0.2, -0.6 and -0.5 around the fourth.
    assert RangeTest(rates, smoothed, smoothed).suggestion == pytest.approx(rates[3])


def test_a_loss_that_only_rises_suggests_the_lowest_rate():
    losses = np.array([1.0, 2.0, 3.0])
    assert RangeTest(np.geomspace(1e-3, 1e-1, 3), losses, losses).suggestion == 1e-3


@pytest.mark.parametrize("wrong", [{"lowest": 0.0}, {"lowest": 1.0, "highest": 0.1}, {"steps": 1}])
def test_a_range_that_is_none_is_refused(images, wrong):
    with pytest.raises(ValueError, match="0 < lowest < highest"):
        learning_rate_range_test(None, images, **wrong)


def test_the_command_suggests_a_rate_and_draws(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = ["--per-class", "2", "--image-size", "16", "--batch-size", "8"]
    with pytest.raises(SystemExit) as ended:
        run(["train", "--find-lr", *small, "--json", "--output", "rates.png"])
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert 1e-6 <= found["suggestion"] <= 1.0
    assert len(found["rates"]) == len(found["losses"])
    assert (tmp_path / "rates.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["rates.png"]


def test_the_command_tries_no_rates_for_a_run_that_is_there(capsys):
    with pytest.raises(SystemExit) as ended:
        run(["train", "--find-lr", "--resume"])
    assert ended.value.code
    assert "--find-lr is for a new run" in capsys.readouterr().err
