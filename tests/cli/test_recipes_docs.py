"""The page on recipes: its commands are understood, and it tells what the recipes set."""

import importlib
import re
import shlex
from pathlib import Path

import pytest
from complaints import complaints

from keras_rbi.training import RECIPES, TrainingSettings

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text("utf-8")
COMMANDS = [line for line in PAGE.splitlines() if line.startswith("keras-rbi train")]


class Prepared(Exception):  # noqa: N818, the end of what is tested, not an error
    pass


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(command, tmp_path, monkeypatch):
    from keras_rbi.cli.main import run

    prepared = []

    def read_data(settings, *_):
        prepared.append(settings)
        raise Prepared

    monkeypatch.chdir(tmp_path)
    module = importlib.import_module("keras_rbi.cli.read_training_data")
    monkeypatch.setattr(module, "read_data", read_data)
    with pytest.raises(Prepared):
        run(shlex.split(command)[1:])
    trained = 6 if "--find-lr" in command else 10 if "birds/" in command else 2
    assert prepared[0].epochs == trained


def test_every_recipe_and_option_is_on_the_page():
    for name in RECIPES:
        assert f"`{name}`" in PAGE
    options = {f"--{name.replace('_', '-')}" for name in RECIPES["finetune"]} - {"--epochs"}
    for option in options | {"--recipe", "--freeze", "--schedule", "--mixup", "--cutmix"}:
        assert option in PAGE


def test_values_of_finetune_are_those_on_the_page():
    row = re.search(r"\| `finetune` \| (.*) \|", PAGE)[1]
    numbers = [float(number) for number in re.findall(r"\d[\d.e-]*", row)]
    told = {value for value in RECIPES["finetune"].values() if isinstance(value, float)}
    assert told <= set(numbers)
    assert RECIPES["finetune"]["epochs"] in numbers


def test_a_file_that_is_unfit_gets_one_line(tmp_path, monkeypatch, capsys):
    from keras_rbi.cli.main import run

    monkeypatch.chdir(tmp_path)
    for text, message in (("epoch = 3", "'my.toml' has 'epoch'"), ("seed = 0.5", "an integer")):
        Path("my.toml").write_text(text, "utf-8")
        with pytest.raises(SystemExit) as ended:
            run(["train", "--recipe", "my.toml"])
        error = capsys.readouterr().err
        assert ended.value.code == 2
        assert error.startswith("Error: The recipe 'my.toml'")
        assert message in error
        assert len(complaints(error)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["my.toml"]


def test_the_recipe_on_the_page_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    Path("birds.toml").write_text(text, "utf-8")
    settings = TrainingSettings(recipe="birds.toml").resolved()
    assert (settings.batch_size, settings.weights) == (16, "imagenet")


def test_the_command_to_compare_with_is_understood():
    from keras_rbi.cli.report import baseline

    given = {"recipe": "my.toml", "freeze_batch_norms": False, "share_classifier": True}
    command = baseline(given, rbi=True)
    assert command == "keras-rbi train --recipe my.toml --train-batch-norms --no-rbi"
