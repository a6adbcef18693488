"""The weights of the best epoch, of runs whose accuracies are given by hand."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_rbi.training import RunFolder, TrainingSettings, prepare, run_data
from keras_rbi.training.best_epoch import BestEpoch, keep_best, read_best
from keras_rbi.training.checkpoints import CheckpointError

pytestmark = pytest.mark.usefixtures("untraced")

SETTINGS = TrainingSettings(image_size=16, per_class=1, epochs=4, seed=3)


@pytest.fixture
def accuracies(monkeypatch):
    """What `fit` tells after each epoch in place of the accuracy on the validation images."""
    told = []
    evaluate = keras.Model.evaluate

    def evaluate_as_told(model, *arguments, **options):
        found = evaluate(model, *arguments, **options)
        return {**found, "accuracy": told.pop(0)} if isinstance(found, dict) else found

    monkeypatch.setattr(keras.Model, "evaluate", evaluate_as_told)
    for split in ("validation", "test"):
        monkeypatch.setitem(run_data.TYPEFACES_PER_CLASS, split, 1)
    return told


class KeepWeights(keras.callbacks.Callback):
    def __init__(self, stop_after=None):
        super().__init__()
        self.stop_after, self.weights = stop_after, {}

    def on_epoch_end(self, epoch, logs=None):
        self.weights[epoch + 1] = [weight.copy() for weight in self.model.get_weights()]
        if epoch + 1 == self.stop_after:
            raise KeyboardInterrupt


def trained(settings, folder, stop_after=None, resume=False):
    run = prepare(settings, RunFolder(folder), resume=resume)
    seen = KeepWeights(stop_after)
    if stop_after:
        with pytest.raises(KeyboardInterrupt):
            run.fit([seen], verbose=0)
    else:
        run.fit([seen], verbose=0)
    return run, seen.weights


def same(weights, others):
    return all(np.array_equal(one, other) for one, other in zip(weights, others, strict=True))


@pytest.mark.parametrize(
    ("told", "best"),
    [((0.1, 0.4, 0.2, 0.3), 2), ((0.4, 0.3, 0.4, 0.2), 3), ((0.1, 0.2, 0.3, 0.4), 4)],
)
def test_keeps_the_best_and_of_equals_the_latest(accuracies, told, best, tmp_path):
    accuracies.extend(told)
    run, weights = trained(SETTINGS, tmp_path / "run")
    assert same(run.model.get_weights(), weights[best])
    assert read_best(run.folder) == BestEpoch(best, told[best - 1])
    assert len(run.history["val_accuracy"]) == 4


@pytest.mark.parametrize(("told", "best"), [((0.4, 0.4, 0.2, 0.4), 0), ((0.1, 0.5, 0.5, 0.4), 3)])
def test_a_head_on_features_is_left_for_more_right_images_alone(accuracies, told, best, tmp_path):
    run = prepare(SETTINGS, RunFolder(tmp_path / "run"))
    keep_best(run.folder, run.model, BestEpoch(0, 0.4))
    accuracies.extend(told)
    head = [weight.copy() for weight in run.model.get_weights()]
    seen = KeepWeights()
    run.fit([seen], verbose=0)
    assert same(run.model.get_weights(), {0: head, **seen.weights}[best])
    assert read_best(run.folder).epoch == best


def test_keeps_the_last_where_that_is_asked(accuracies, tmp_path):
    accuracies.extend((0.9, 0.1, 0.1, 0.1))
    run, weights = trained(dataclasses.replace(SETTINGS, keep_best=False), tmp_path / "run")
    assert same(run.model.get_weights(), weights[4])
    assert read_best(run.folder) is None


@pytest.mark.parametrize("killed_after", [None, 1, 3])
def test_ends_when_patience_is_at_its_end(accuracies, killed_after, tmp_path):
    settings = dataclasses.replace(SETTINGS, patience=2)
    accuracies.extend((0.5, 0.2, 0.1, 0.9))
    if killed_after:
        trained(settings, tmp_path / "run", stop_after=killed_after)
    run, _ = trained(settings, tmp_path / "run", resume=killed_after is not None)
    assert run.history["val_accuracy"] == pytest.approx([0.5, 0.2, 0.1])
    assert accuracies == [0.9]
    assert read_best(run.folder).epoch == 1


def test_averages_are_kept_where_the_model_is_validated_by_them(accuracies, tmp_path):
    accuracies.extend((0.1, 0.9, 0.1, 0.1))
    run, weights = trained(dataclasses.replace(SETTINGS, ema=0.5), tmp_path / "run")
    kept = run.model.get_weights()
    # Those after the epochs before count too.
    assert not same(kept, weights[2])
    with run.folder.locked():
        metrics = run.finish()
    assert metrics["best_epoch"] == {"epoch": 2, "accuracy": 0.9}
    assert same(keras.models.load_model(run.folder.model).get_weights(), kept)
    assert not run.folder.best.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("best.json", b""),
        ("best.json", b"[]"),
        ("best.json", b'{"epoch": -1, "accuracy": "high"}'),
        ("best.npz", b"none"),
    ],
)
def test_damaged_files_are_told(accuracies, name, content, tmp_path):
    accuracies.extend((0.9, 0.1, 0.1, 0.1))
    trained(SETTINGS, tmp_path / "run", stop_after=3)
    (tmp_path / "run" / "checkpoint" / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"{name}.*Take away best.json"):
        trained(SETTINGS, tmp_path / "run", resume=True)
