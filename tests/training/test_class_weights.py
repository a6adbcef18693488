"""Weights of classes: all count alike, in the loss that is trained."""

import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image

from keras_rbi.training import RunFolder, TrainingSettings, prepare
from keras_rbi.training.class_weights import class_weights

pytestmark = pytest.mark.usefixtures("untraced")


def test_all_classes_count_alike():
    labels = np.repeat([0, 1, 3], [7, 2, 1])
    found = class_weights(labels, 4)
    totals = [sum(found[label] for label in labels[labels == number]) for number in range(4)]
    np.testing.assert_allclose(totals, [10 / 3, 10 / 3, 0, 10 / 3])


@pytest.fixture
def settings(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(40):
        path = tmp_path / "data" / "ab"[number % 8 == 0] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(path)
    return TrainingSettings(
        dataset=str(tmp_path / "data"),
        backbone="SmallCNN",
        weights="none",
        image_size=16,
        epochs=1,
        batch_size=64,
        augment="none",
        class_weights=True,
    )


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_the_loss_of_a_run_is_the_mean_of_weighted_losses(settings, label_smoothing, tmp_path):
    """Of one batch, before its step: with all images in it, whatever their order."""
    settings = dataclasses.replace(settings, label_smoothing=label_smoothing)
    run = prepare(settings, RunFolder(tmp_path / "run"))
    data = run.training.data
    labels = np.asarray(data.labels)
    images = np.stack([data.image(number) for number in range(len(data))])
    outputs = run.model(images.astype("float32"), training=True)
    logs = np.log(keras.ops.convert_to_numpy(outputs))
    targets = np.eye(2)[labels] * (1 - label_smoothing) + label_smoothing / 2
    weights = np.array([len(labels) / (2 * np.sum(labels == label)) for label in labels])
    expected = np.mean(weights * -(targets * logs).sum(1))
    run.fit(verbose=0)
    assert weights.max() > 2 * weights.min()
    assert run.history["loss"][0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "other", [{"sampling": "balanced"}, {"quick": True, "weights": "imagenet"}]
)
def test_what_contradicts_them_is_refused(settings, other):
    with pytest.raises(ValueError, match="class_weights"):
        dataclasses.replace(settings, **other).resolved()
