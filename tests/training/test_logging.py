"""Logs of a run for tools that draw them."""

import importlib.util
import sys
import types

import keras
import pytest

from keras_rbi.training import RunFolder, TrainingSettings, prepare, run_data
from keras_rbi.training.logging import TRACKERS, Logging

SETTINGS = TrainingSettings(epochs=1, per_class=1, image_size=16, batch_size=22)


@pytest.fixture
def run(tmp_path, monkeypatch):
    for split in run_data.TYPEFACES_PER_CLASS:
        monkeypatch.setitem(run_data.TYPEFACES_PER_CLASS, split, 1)
    return prepare(SETTINGS, RunFolder(tmp_path / "run"))


def test_what_is_not_installed_is_named():
    with pytest.raises(ValueError, match=r"must be 'wandb' or 'mlflow'.*'comet'"):
        Logging(tracker="comet").checked()
    missing = [name for name in TRACKERS if importlib.util.find_spec(name) is None]
    for name in missing:
        with pytest.raises(ValueError, match=f"Not installed: {name}.*pip install {name}"):
            Logging(tracker=name).checked()


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("tensorflow", "tensorboard")),
    reason="TensorBoard is not installed",
)
def test_tensorboard_gets_the_epochs(run):
    run.fit(Logging(tensorboard=True).checked().callbacks(run), verbose=0)
    files = list((run.folder.path / "tensorboard" / "train").glob("events.*"))
    assert files
    assert b"epoch_loss" in b"".join(file.read_bytes() for file in files)


@pytest.mark.parametrize("tracker", TRACKERS)
def test_a_tracker_gets_settings_and_epochs(run, tracker, monkeypatch):
    """With a stand-in for the tracker's package, whose callback is found where it has it."""
    told = {}

    class Callback(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            told["epoch"] = (epoch, sorted(logs))

    module, _, name = TRACKERS[tracker].partition(":")
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        made = types.ModuleType(".".join(parts[:length]))
        made.__spec__ = importlib.util.spec_from_loader(made.__name__, None)
        monkeypatch.setitem(sys.modules, made.__name__, made)
    setattr(sys.modules[module], name, Callback)
    sys.modules["wandb" if tracker == "wandb" else "mlflow"].__dict__.update(
        init=lambda name, config: told.update(config=config),
        log_params=lambda config: told.update(config=config),
    )
    run.fit(Logging(tracker=tracker).checked().callbacks(run), verbose=0)
    assert told["config"]["epochs"] == 1
    assert told["epoch"] == (0, ["accuracy", "loss", "val_accuracy", "val_loss"])
