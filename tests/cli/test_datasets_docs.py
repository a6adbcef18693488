"""The page on data: its commands are understood, its Python runs, its numbers are the library's."""

import importlib
import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
import released

import keras_rbi
from keras_rbi.cli.main import run
from keras_rbi.datasets.catalogue import DATASETS

PAGE = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text("utf-8")
LOADERS = {"as_tf_dataset": "tensorflow", "as_torch_dataloader": "torch"}
COMMANDS = [line for line in PAGE.splitlines() if line.startswith("keras-rbi ")]


class Understood(Exception):  # noqa: N818, the end of what is tested, not an error
    pass


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(command, tmp_path, monkeypatch):
    # By `sys.modules`: the modules are named as the commands in them.
    names = ("datasets", "read_training_data", "leaks", "show", "doubtful")
    datasets, training, leaks, show, doubtful = (
        importlib.import_module(f"keras_rbi.cli.{name}") for name in names
    )

    def stop(*_, **__):
        raise Understood

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "make_ready", lambda *_: None)
    # After the settings have been resolved.
    monkeypatch.setattr(training, "read_data", stop)
    monkeypatch.setattr(datasets, "make_ready", stop)
    monkeypatch.setattr(doubtful, "prepare_label_check", stop)
    for module in (leaks, show):
        monkeypatch.setattr(module, "make_ready", stop)
    monkeypatch.setattr(keras_rbi.datasets, "load", stop)
    with pytest.raises((Understood, SystemExit)) as ended:
        run(shlex.split(command)[1:])
    assert ended.type is Understood or ended.value.code == 0


@pytest.mark.filterwarnings("ignore:.* is not as it should be")
def test_the_python_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("cub_200_2011", "fgvc_aircraft", "tiny_imagenet_200"):
        released.RELEASED[name](tmp_path / "data")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        if not any(name in block and not find_spec(package) for name, package in LOADERS.items()):
            exec(block, names)
    assert names["image"].shape == (64, 64, 3)
    assert names["label"] in names["birds"].class_names
    assert names["planes"].coarse_names == ["Boeing", "McDonnell Douglas"]
    assert all(pair.decibels >= 22.0 for pair in names["pairs"])
    assert isinstance(names["records"], keras_rbi.datasets.files.records.Records)


def test_the_table_is_that_of_the_library():
    rows = {
        row[1].strip("` "): row
        for row in (line.split("|") for line in PAGE.splitlines())
        if len(row) > 6
    }
    for info in DATASETS.values():
        row = rows[info.name]
        assert f"{info.classes:,}" in row[2]
        for count in info.images.values():
            assert f"{count:,}" in row[3]
        assert ("–" in row[3]) == ("validation" not in info.images)
        assert row[6].strip().startswith("yes") == all(file.url for file in info.files)
    for name in keras_rbi.datasets.available():
        assert name in rows


def test_every_option_and_builder_is_on_the_page():
    for info in DATASETS.values():
        for option in info.options:
            assert f"{option}=" in PAGE
        for level in info.options.get("coarse", ())[:1]:
            assert f"`{level}`" in PAGE
        assert info.tfds is None or info.tfds in PAGE
