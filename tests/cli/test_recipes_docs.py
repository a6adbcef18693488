"""The page on recipes: its commands are understood, and it tells what the recipes set."""

import re
import shlex
from pathlib import Path

import pytest

from keras_rbi.training import RECIPES

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text("utf-8")
COMMANDS = [line for line in PAGE.splitlines() if line.startswith("keras-rbi train")]


class Prepared(Exception):  # noqa: N818, the end of what is tested, not an error
    pass


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(command, tmp_path, monkeypatch):
    import keras_rbi.cli.train as cli
    from keras_rbi.cli.main import run

    prepared = []

    def prepare(settings, *_):
        prepared.append(settings.resolved())
        raise Prepared

    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(cli.train.__globals__, "prepare", prepare)
    with pytest.raises(Prepared):
        run(shlex.split(command)[1:])
    assert prepared[0].epochs == 2


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
