"""The head alone, on features that are extracted once."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from PIL import Image

from keras_rbi import backbones
from keras_rbi.evaluation.pooled_features import pooled_features
from keras_rbi.training import RunFolder, TrainingSettings, feature_head, prepare

pytestmark = pytest.mark.usefixtures("untraced")


@pytest.fixture
def settings(tmp_path):
    """Two classes that tell themselves apart by their brightness, and a backbone with weights."""
    generator = np.random.default_rng(0)
    for number in range(60):
        shade = 60 + 120 * (number % 2) + generator.integers(0, 30)
        pixels = np.full((20, 20, 3), shade, np.uint8)
        path = tmp_path / "data" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    keras.utils.set_random_seed(0)
    backbones.get("SmallCNN", image_size=16).save_weights(tmp_path / "cnn.weights.h5")
    return TrainingSettings(
        dataset=str(tmp_path / "data"),
        backbone="SmallCNN",
        weights=str(tmp_path / "cnn.weights.h5"),
        image_size=16,
        epochs=1,
        batch_size=8,
    )


@pytest.mark.parametrize(
    ("variant", "method", "epochs"),
    [("residual", "rbi", 1), ("0.1", "rbi", 10), (None, "backbone", 1)],
)
def test_quick_trains_the_head_and_leaves_the_backbone(
    settings, variant, method, epochs, tmp_path, monkeypatch
):
    monkeypatch.setattr(feature_head, "STEPS", 60)
    quick = dataclasses.replace(settings, quick=True, method=method, variant=variant)
    run = prepare(quick, RunFolder(tmp_path / "run"))
    before = [keras.ops.convert_to_numpy(weight) for weight in run.model.backbone.weights]
    metrics = run.complete(verbose=0)
    for old, new in zip(before, run.model.backbone.weights, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(new), old)
    assert metrics["test_accuracy"] == 1.0
    assert run.model.backbone.trainable
    history = (tmp_path / "run" / "history.csv").read_text().splitlines()
    assert history[0].startswith("epoch,")
    assert len(history) - 1 >= epochs
    assert float(history[-1].split(",")[history[0].split(",").index("val_accuracy")]) == 1.0
    assert keras.models.load_model(tmp_path / "run" / "model.keras").output_shape == (None, 2)


def test_features_are_those_that_the_backbone_gives(settings, tmp_path):
    run = prepare(settings, RunFolder(tmp_path / "run"))
    seen = []
    features = pooled_features(
        run.model, run.validation.data, "validation", lambda *told: seen.append(told)
    )
    images = np.stack([run.validation.data.image(n) for n in range(len(run.validation.data))])
    maps = keras.ops.convert_to_numpy(run.model.backbone(images.astype("float32")))
    np.testing.assert_allclose(features, maps.mean((1, 2)), atol=1e-5)
    assert seen[-1] == ("validation", len(images), len(images))


def test_all_is_trained_after_the_head_and_a_resumed_run_does_not_begin_anew(settings, tmp_path):
    settings = dataclasses.replace(settings, keep_best=False)
    run = prepare(settings, RunFolder(tmp_path / "run"))
    assert run.settings.feature_head
    before = [keras.ops.convert_to_numpy(weight) for weight in run.model.backbone.weights]
    accuracy = run.fit_head()
    assert accuracy > 0.9
    # Once, whoever asks.
    assert run.fit_head() is accuracy
    metrics = run.complete(verbose=0)
    after = [keras.ops.convert_to_numpy(weight) for weight in run.model.backbone.weights]
    assert any((old != new).any() for old, new in zip(before, after, strict=True))
    assert metrics["test_accuracy"] > 0.9
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["settings"]["feature_head"]
    run.finished_epochs, run._head_accuracy = 1, None
    assert run.fit_head() is None
