"""Each setting is described once; readers, the command and the checks have it from there."""

import inspect
import re

import numpy as np
import pytest
import typer.main

from keras_rbi.cli.main import app
from keras_rbi.training import TrainingSettings
from keras_rbi.training.setting import DATA, MODEL, OUTPUT, TRAINING
from keras_rbi.training.settings import SETTINGS

OWN = {
    "download": DATA,
    "find_lr": TRAINING,
    "minutes": TRAINING,
    **dict.fromkeys(
        (
            "output",
            "resume",
            "allow_changed_data",
            "seeds",
            "keep_optimizer",
            "tensorboard",
            "tracker",
        ),
        OUTPUT,
    ),
    **dict.fromkeys(("help_all", "quiet", "as_json"), None),
}


def options():
    command = typer.main.get_command(app).commands["train"]
    return {option.name: option for option in command.params if option.name != "help"}


def test_the_command_has_an_option_for_each_setting():
    assert set(options()) == {*SETTINGS, *OWN}
    for name, option in options().items():
        panel = OWN[name] if name in OWN else SETTINGS[name].panel
        assert option.rich_help_panel == panel
        if name in SETTINGS:
            assert option.default is None
            flags = [*option.opts, *option.secondary_opts]
            assert flags == SETTINGS[name].option.split("/")


def test_options_of_former_versions_are_there():
    flags = {flag for one in options().values() for flag in (*one.opts, *one.secondary_opts)}
    former = """
        --augment --backbone --backbone-learning-rate --batch-size --cache --cache-dir --clip-norm
        --cutmix --data-dir --dataset --download --ema --embedding-dim --epochs --freeze
        --freeze-batch-norms --head-epochs --image-size --images-per-class --label-smoothing
        --learning-rate --method --mixup --no-rbi --on-error --output --per-class --rbi --recipe
        --relation-dropout --resume --sampling --schedule --seed --share-classifier --source
        --train-batch-norms --variant --warmup-epochs --weight-decay --weights
    """
    assert set(former.split()) <= flags


def test_the_docstring_describes_each_setting():
    text = inspect.getdoc(TrainingSettings)
    section = text[text.index("Attributes:") : text.index("Example:")]
    assert re.findall(r"^    (\w+): ", section, re.MULTILINE) == list(SETTINGS)
    assert "{" not in section
    assert max(map(len, section.splitlines())) <= 96
    assert "By default 32." in section


def test_defaults_that_are_told_are_those_that_are_filled_in():
    settings = TrainingSettings().resolved()
    for name, one in SETTINGS.items():
        assert getattr(TrainingSettings(), name) is None
        if one.default is not None:
            assert getattr(settings, name) == one.default
        one.check(getattr(settings, name))


@pytest.mark.parametrize(
    ("name", "fit", "unfit"),
    [
        ("epochs", [1, np.int64(3), None], [0, 2.0, "1", True]),
        ("learning_rate", [0, 1e-3, np.float32(0.1)], [-1e-3, "0.1", True]),
        ("relation_dropout", [0, 1.0], [-0.1, 1.1]),
        ("ema", [0, 0.99], [1, -0.1]),
        ("rbi", [True, False], [0, "no"]),
        ("variant", ["paper", "0.1", "residual", None], ["papr", ""]),
    ],
)
def test_values_are_checked(name, fit, unfit):
    for value in fit:
        SETTINGS[name].check(value)
    for value in unfit:
        with pytest.raises(ValueError, match=f"`{name}` must be .*{name}="):
            SETTINGS[name].check(value)


def test_panels_are_four():
    assert {one.panel for one in SETTINGS.values()} == {DATA, MODEL, TRAINING}
    assert (DATA, MODEL, TRAINING, OUTPUT) == ("Data", "Model", "Training", "Output")
