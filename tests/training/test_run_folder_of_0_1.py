"""A run folder with the settings.json that version 0.1 wrote resumes, predicts and is exported."""

import importlib
import json
import shutil
from pathlib import Path

import pytest

from keras_rbi.cli.main import run
from keras_rbi.training import RunFolder, TrainingSettings, prepare, run_data

STORED = Path(__file__).parent / "settings_0_1.json"


def command(*arguments):
    with pytest.raises(SystemExit) as ended:
        run([str(argument) for argument in arguments])
    return ended.value.code


def settings_of_0_1():
    """Those of the file, but that its default has a name today."""
    stored = json.loads(STORED.read_text("utf-8"))["settings"]
    assert stored["variant"] is None
    return {**stored, "variant": "0.1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An unfinished run: its settings are those of the file, its first epoch is yet to come."""
    with pytest.MonkeyPatch.context() as patch:
        for split in run_data.TYPEFACES_PER_CLASS:
            patch.setitem(run_data.TYPEFACES_PER_CLASS, split, 1)
        module = importlib.import_module("keras_rbi.training.finish")
        patch.setattr(module, "BATCH_SIZES", ())
        folder = tmp_path_factory.mktemp("runs") / "typefaces-1"
        folder.mkdir()
        shutil.copy(STORED, folder / "settings.json")
        resumed = prepare(TrainingSettings(), RunFolder(folder), resume=True)
        resumed.complete(verbose=0)
        yield folder


def test_its_settings_are_as_they_were(tmp_path):
    stored = settings_of_0_1()
    shutil.copy(STORED, tmp_path / "settings.json")
    settings = RunFolder(tmp_path).read_settings()[0].as_dict()
    assert {name: settings[name] for name in stored} == stored
    # What there was not, and says nothing; and the one device that there was.
    new = {name for name, value in settings.items() if name not in stored and value}
    assert (new, settings["devices"]) == ({"split_rule", "devices"}, "1")
    assert settings["split_rule"] == "permutation"


def test_it_is_resumed_with_them(folder):
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    stored = settings_of_0_1()
    assert {name: metrics["settings"][name] for name in stored} == stored
    # Splits are drawn as they were.
    assert metrics["settings"]["split_rule"] == "permutation"


def test_it_predicts(folder, capsys):
    image = sorted((folder / "examples").rglob("*.png"))[0]
    assert command("predict", folder, image, "--json") == 0
    (prediction,) = json.loads(capsys.readouterr().out)
    names = json.loads(STORED.read_text("utf-8"))["class_names"]
    assert {row["class"] for row in prediction["top"]} <= set(names)


def test_it_is_exported(folder, capsys):
    pytest.importorskip("onnxruntime")
    assert command("export", folder, "--format", "onnx") == 0
    assert (folder / "exported" / "model.onnx").is_file()
