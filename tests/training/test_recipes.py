"""Recipes: readable files, of which a setting that is given comes first."""

import dataclasses
import json
from importlib.resources import files

import pytest

from keras_rbi import training
from keras_rbi.models.image_classifier import PAPER_LEARNING_RATE
from keras_rbi.training import RECIPES, RunFolder, TrainingSettings


def recipe(folder, text):
    path = folder / "my.toml"
    path.write_text(text, "utf-8")
    return str(path)


def test_the_recipes_of_the_package_are_what_they_were():
    assert RECIPES == {
        "default": {},
        "paper": {
            "backbone": "DenseNet201",
            "weights": "imagenet",
            "image_size": 224,
            "epochs": 50,
            "learning_rate": PAPER_LEARNING_RATE,
            "clip_norm": 0.0,
            "schedule": "constant",
            "keep_best": False,
            "precision": "float32",
        },
        "finetune": {
            "epochs": 20,
            "head_epochs": 1,
            "freeze_batch_norms": True,
            "learning_rate": 1e-3,
            "backbone_learning_rate": 1e-4,
            "weight_decay": 0.05,
            "warmup_epochs": 1.0,
            "ema": 0.99,
            "label_smoothing": 0.1,
        },
    }


@pytest.mark.parametrize("name", RECIPES)
def test_each_file_says_what_it_is_for_and_how_to_use_it(name):
    lines = (files(training) / "recipes" / f"{name}.toml").read_text("utf-8").splitlines()
    assert len(lines) <= 25
    assert lines[0].startswith("# ")
    header = [line for line in lines if line.startswith("#")]
    assert any("keras-rbi train" in line for line in header)


def test_a_file_sets_what_is_not_given(tmp_path):
    path = recipe(tmp_path, 'backbone = "MobileNetV2"\nbatch_size = 8\nseed = 3\nema = 0.9\n')
    settings = TrainingSettings(recipe=path, batch_size=32, ema=0).resolved()
    assert (settings.backbone, settings.seed) == ("MobileNetV2", 3)
    assert (settings.batch_size, settings.ema) == (32, 0)
    # Defaults that follow from what it sets.
    assert (settings.weights, settings.learning_rate) == ("imagenet", 1e-5)
    assert settings.recipe == path
    assert settings.resolved() == settings


def test_the_method_that_is_given_is_not_that_of_a_file(tmp_path):
    path = recipe(tmp_path, 'method = "herbs"')
    assert TrainingSettings(recipe=path).resolved().method == "herbs"
    assert TrainingSettings(recipe=path, rbi=False).resolved().method == "backbone"
    assert TrainingSettings(recipe=path, method="rbi").resolved().rbi
    path = recipe(tmp_path, "rbi = false")
    assert TrainingSettings(recipe=path).resolved().method == "backbone"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", r"my.toml' has 'epoch', which is no setting. Known are dataset, .*epochs"),
        ('epochs = "3"', r"my.toml': `epochs` must be an integer. Received: epochs='3'"),
        ("epochs = 3.5", r"my.toml': `epochs` must be an integer"),
        ("seed = true", r"my.toml': `seed` must be an integer"),
        ("rbi = 1", r"my.toml': `rbi` must be true or false"),
        ('ema = "high"', r"my.toml': `ema` must be a number"),
        ("ema = 1.0", r"my.toml': `ema` must be in \[0.0, 1.0\)"),
        ("weights = 1", r"my.toml': `weights` must be a string"),
        ('schedule = "linear"', r"my.toml': `schedule` must be 'cosine' or 'constant'"),
        ('recipe = "paper"', r"my.toml' names a recipe"),
        ("epochs = ", r"my.toml' cannot be read"),
    ],
)
def test_mistakes_in_a_file_are_named(text, message, tmp_path):
    with pytest.raises(ValueError, match=message) as raised:
        TrainingSettings(recipe=recipe(tmp_path, text)).resolved()
    assert "\n" not in str(raised.value)


def test_a_file_that_is_missing_is_named():
    with pytest.raises(ValueError, match=r"'none\.toml' cannot be read"):
        TrainingSettings(recipe="none.toml").resolved()


def test_a_run_is_resumed_without_its_file(tmp_path):
    path = recipe(tmp_path, "seed = 3\nmixup = 0.2")
    settings = TrainingSettings(recipe=path).resolved()
    folder = RunFolder(tmp_path / "run")
    folder.write_settings(settings, ["a", "b"])
    stored = json.loads(folder.settings.read_text("utf-8"))["settings"]
    assert (stored["recipe"], stored["seed"], stored["mixup"]) == (path, 3, 0.2)
    recipe(tmp_path, "cutmix = 0.5")
    assert folder.read_settings()[0] == settings
    (tmp_path / "my.toml").unlink()
    assert folder.read_settings()[0] == settings
    assert dataclasses.replace(settings, recipe=None).resolved().seed == 3
