"""Pages: their commands exist, what a beginner copies runs, and their tables tell the truth."""

import json
import re
import shlex
from pathlib import Path

import pytest
import typer
from small_runs import make_birds

from keras_rbi.cli.main import app, joined, run

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SMALL = 'dataset="birds", backbone="SmallCNN", weights="none", image_size=16, epochs=1'


def commands(text):
    """The lines of shell blocks that begin with the command, or have it after `&&`."""
    for block in re.findall(r"```(?:bash|sh)\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            for part in line.split("&&"):
                if part.strip().startswith("keras-rbi "):
                    yield re.split(r"\s[|>]", part.strip())[0]


def python_of(name):
    text = (ROOT / "docs" / name).read_text("utf-8")
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


def test_commands_of_all_pages_have_the_options_that_they_name():
    known, checked = typer.main.get_command(app), 0
    for page in PAGES:
        for line in commands(page.read_text("utf-8")):
            command, words = known, joined(shlex.split(line, comments=True)[1:])
            while hasattr(command, "commands") and words and words[0] in command.commands:
                command = command.commands[words.pop(0)]
            assert command is not known or words[0].startswith("-"), line
            try:
                # `--help` and what installs completion would do so here.
                done_at_once = command is known or "--help" in words
                command.make_context("keras-rbi", words, resilient_parsing=done_at_once)
            except Exception as error:
                # A file of the reader's own, or a format or a set that is none.
                if not hasattr(error, "message") or "does not exist" not in error.message:
                    raise AssertionError(f"{page.name}: {line}: {error}") from error
            checked += 1
    assert checked > 60


def test_getting_started_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = python_of("getting_started.md").replace("per_class=20", "per_class=2")
    names = {}
    exec(small, names)
    assert names["probabilities"].shape == (32, 22)
    assert set(names["names"]) <= set(names["loaded"].class_names)


def test_the_layers_run_in_both_kinds_of_model():
    import keras
    import numpy as np

    names = {}
    exec(python_of("how_to/layers_in_your_own_model.md"), names)
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    for model in (names["Related"](3), names["model"]):
        assert model(images, training=True).shape == (4, 3)
    assert isinstance(names["model"], keras.Model)


def test_a_folder_of_ones_own_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make_birds(tmp_path)
    Path("birds").rename("garden")
    make_birds(tmp_path)
    page = python_of("how_to/your_own_folder.md")
    assert 'dataset="birds", quick=True' in page
    exec(page.replace('dataset="birds", quick=True', SMALL), {})
    printed = capsys.readouterr().out
    assert "Top-1 accuracy" in printed
    assert printed.count(".png") == 12


def code_of(*words):
    with pytest.raises(SystemExit) as ended:
        run(list(words))
    return ended.value.code


def test_exit_codes_are_those_of_the_table(tmp_path, monkeypatch, capsys):
    page = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    assert re.findall(r"^\| (\d+) \|", page, re.MULTILINE)[:4] == ["0", "1", "2", "130"]
    make_birds(tmp_path)
    assert code_of("datasets", "check", str(tmp_path / "birds"), "--quiet") == 0
    whole = next((tmp_path / "birds").rglob("*.png"))
    whole.write_bytes(whole.read_bytes()[:40])
    assert code_of("datasets", "check", str(tmp_path / "birds"), "--decode", "--quiet") == 1
    assert code_of("train", "--no-such-option") == 2
    monkeypatch.setattr(
        "keras_rbi.cli.main.app", lambda **_: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    assert code_of("datasets") == 130
    assert "Error: No such option" in capsys.readouterr().err


def test_every_command_takes_quiet_and_json():
    def leaves(command, name):
        below = getattr(command, "commands", None)
        if not below or command.invoke_without_command:
            yield name, {option for each in command.params for option in each.opts}
        for key, each in (below or {}).items():
            yield from leaves(each, f"{name} {key}".strip())

    found = dict(leaves(typer.main.get_command(app), ""))
    assert {"train", "serve", "datasets", "datasets check", "datasets show"} <= set(found)
    for name, options in found.items():
        assert {"--quiet", "--json"} <= options, name


def test_errors_of_usage_are_json_where_it_is_asked_for(capsys):
    assert code_of("serve", "nothing.keras", "--json", "--no-such-option") == 2
    assert "No such option" in json.loads(capsys.readouterr().out)["error"]
