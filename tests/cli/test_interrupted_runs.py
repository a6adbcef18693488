"""Runs that others work on, that were killed, or whose files are damaged."""

import json
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from small_runs import SMALL, interrupt

from keras_rbi import file_lock
from keras_rbi.training import TrainingRun

HOLD = f"""
import pathlib, runpy, sys
with runpy.run_path({file_lock.__file__!r})["locked"](pathlib.Path(sys.argv[1]), "It"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def interrupted(ask, monkeypatch):
    """A run that was interrupted before its first epoch, and may go on."""
    with monkeypatch.context() as patch:
        patch.setattr(TrainingRun, "fit", interrupt)
        assert ask("train", *SMALL)[0] == 130


@pytest.fixture
def hold():
    """Has another process hold a lock until it is killed."""
    processes = []

    def hold(path):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        processes.append(subprocess.Popen([sys.executable, "-c", HOLD, str(path)], **pipes))
        assert processes[-1].stdout.readline() == "held\n"
        return processes[-1]

    yield hold
    for process in processes:
        process.kill()
        process.communicate()


def test_one_process_at_a_time_goes_on_with_a_run(interrupted, ask, hold, birds):
    holder = hold(birds / "runs" / "birds-1" / ".lock")
    for arguments in (["--output", "runs/birds-1"], []):
        code, _, lines = ask("train", "--resume", *arguments)
        assert (code, len(lines)) == (2, 1)
        assert f"'runs/birds-1' is being worked on by process {holder.pid} on " in lines[0]
    holder.kill()
    holder.wait()
    code, _, lines = ask("train", "--resume", "--quiet")
    assert (code, lines) == (0, [])
    names = {path.name for path in (birds / "runs" / "birds-1").iterdir()}
    assert not {".lock", "checkpoint"} & names


def test_of_two_runs_that_begin_at_once_each_gets_a_folder(ask, hold, birds):
    hold(birds / "runs" / "birds-1" / ".lock")
    code, _, lines = ask("train", *SMALL, "--quiet")
    assert (code, lines) == (0, [])
    assert (birds / "runs" / "birds-2" / "metrics.json").is_file()
    assert [path.name for path in (birds / "runs" / "birds-1").iterdir()] == [".lock"]
    code, _, lines = ask("train", *SMALL, "--output", "runs/birds-1")
    assert code == 2
    assert "is being worked on by" in lines[0]


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def flip(path):
    """Twenty bits, under the checksums."""
    content = bytearray(path.read_bytes())
    generator = np.random.default_rng(0)
    for place in generator.integers(0, len(content), 20):
        content[place] ^= 1 << int(generator.integers(0, 8))
    path.write_bytes(bytes(content))


def nest(path):
    """A configuration that is whole, and 10,000 deep."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = b"[" * 10_000 + b"]" * 10_000
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def make_folder(path):
    path.unlink()
    path.mkdir()


DAMAGES = [truncate, empty, flip, nest, make_folder]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_told_in_a_line(damage, finished_run, ask):
    damage(finished_run / "model.keras")
    code, out, lines = ask("predict", "run", "birds")
    assert (code, out, len(lines)) == (2, "", 1)
    assert "'run/model.keras'" in lines[0]
    assert "train again" in lines[0]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_told_and_the_one_before_offered(damage, unfinished_run, ask):
    damage(unfinished_run / "checkpoint" / "epoch-0002.keras")
    code, _, lines = ask("train", "--resume", "--output", "run")
    assert (code, len(lines)) == (2, 1)
    assert "epoch-0002.keras'" in lines[0]
    assert "Take it away, and --resume goes on after epoch 1." in lines[0]


def test_the_checkpoint_before_the_last_ends_as_the_whole_run(finished, unfinished_run, ask):
    (unfinished_run / "checkpoint" / "epoch-0002.keras").unlink()
    code, out, lines = ask("train", "--resume", "--output", "run")
    assert (code, lines) == (0, [])
    assert "Resuming run, after epoch 1\n" in out
    assert "epoch 2/2" in out
    one, other = ((path / "history.csv").read_text() for path in (finished, unfinished_run))
    for row, expected in zip(other.splitlines()[1:], one.splitlines()[1:], strict=True):
        values = [[float(value) for value in line.split(",")] for line in (row, expected)]
        np.testing.assert_allclose(*values, atol=1e-6)


def test_where_both_checkpoints_are_damaged_another_run_is_advised(unfinished_run, ask):
    for number in (1, 2):
        truncate(unfinished_run / "checkpoint" / f"epoch-000{number}.keras")
    (unfinished_run / "checkpoint" / "epoch-0002.keras").unlink()
    code, _, lines = ask("train", "--resume", "--output", "run")
    assert (code, len(lines)) == (2, 1)
    assert "epoch-0001.keras' is damaged" in lines[0]
    assert "Start another run" in lines[0]


STATES = {
    "[]": "no JSON object",
    "{": "cannot be read",
    "{}": "lacks epochs, history, model, random_state",
    "[" * 10_000: "nested",
}
CHANGES = {
    "epochs": [-3, 0, "2", True, 3, None],
    "model": [3, "../../other.keras", ""],
    "history": [[], {"loss": 1.0}, {"loss": ["a", "b"]}, {"loss": [1.0]}],
    "random_state": [{}, [], [["a"]]],
}


def test_a_damaged_state_is_told_in_a_line(unfinished_run, ask):
    path = unfinished_run / "checkpoint" / "state.json"
    state = json.loads(path.read_text())
    cases = dict(STATES)
    for key, values in CHANGES.items():
        cases |= {json.dumps({**state, key: value}): "" for value in values}
    for text, wrong in cases.items():
        path.write_text(text)
        code, _, lines = ask("train", "--resume", "--output", "run")
        assert (code, len(lines)) == (2, 1), text
        assert wrong in lines[0]
        assert "run/checkpoint/" in lines[0], text
        assert "after epoch 1" in lines[0], text


def test_damaged_settings_are_told_in_a_line(unfinished_run, ask):
    path = unfinished_run / "settings.json"
    content = json.loads(path.read_text())
    settings = content["settings"]
    for changed, wrong in (
        ([], "no JSON object"),
        ({}, "does not hold"),
        ({**content, "settings": []}, "does not hold"),
        ({**content, "class_names": "ab"}, "does not hold"),
        ({**content, "class_names": [1, 2]}, "does not hold"),
        ({**content, "settings": {**settings, "epochs": -3}}, "epochs=-3"),
        ({**content, "settings": {**settings, "epochs": "3"}}, "epochs='3'"),
        ({**content, "settings": {**settings, "learning_rate": float("inf")}}, "finite"),
        ({**content, "settings": {**settings, "speed": 3}}, "'speed', which is no setting"),
    ):
        path.write_text(json.dumps(changed))
        code, _, lines = ask("train", "--resume", "--output", "run")
        assert (code, len(lines)) == (2, 1), changed
        assert wrong in lines[0]
        assert "run/settings.json'" in lines[0]


@pytest.mark.parametrize("damage", [truncate, empty, flip, make_folder])
def test_a_damaged_list_of_files_is_told_in_a_line(damage, unfinished_run, ask):
    damage(unfinished_run / "files.csv.gz")
    code, _, lines = ask("train", "--resume", "--output", "run")
    assert (code, len(lines)) == (2, 1)
    assert "run/files.csv.gz' is damaged" in lines[0]


def test_damaged_metrics_of_one_run_do_not_end_another(finished_run, ask, birds):
    for name, text in (("a", "["), ("b", "[]"), ("c", '{"settings": {}}')):
        (birds / name).mkdir()
        (birds / name / "metrics.json").write_text(text)
    code, out, lines = ask("train", *SMALL, "--output", "other")
    assert (code, lines) == (0, [])
    assert "Top-1 accuracy" in out
    (finished_run / "metrics.json").write_text("[]")
    code, _, lines = ask("explain", "run", "birds")
    assert (code, len(lines)) == (2, 1)
    assert "run/metrics.json' is damaged" in lines[0]


def test_a_folder_in_which_a_kill_left_no_run_is_begun_anew(ask, birds):
    for folder in ("runs/birds-1", "my run"):
        (birds / folder / ".unfinished-abc").mkdir(parents=True)
        (birds / folder / ".lock").write_text('{"pid": 1')
        (birds / folder / "checkpoint").mkdir()
    code, _, lines = ask("train", "--resume", "--output", "my run")
    assert (code, len(lines)) == (2, 1)
    advised = lines[0].partition(" train ")[2]
    assert advised == "--output 'my run'"
    for output in ([], ["--output", "my run"]):
        code, _, lines = ask("train", *SMALL, "--quiet", *output)
        assert (code, lines) == (0, [])
    for folder in ("runs/birds-1", "my run"):
        names = {path.name for path in (birds / folder).iterdir()}
        assert "metrics.json" in names
        assert not [name for name in names if name.startswith(".")]


COMMANDS_BESIDE = [
    ["train", "--resume", "--output", "run"],
    ["train", "--resume", "--output", "other"],
]


@pytest.mark.parametrize("command", COMMANDS_BESIDE, ids=["of the run", "of another"])
def test_what_a_kill_after_the_last_file_left_is_removed(command, finished_run, ask, stopped):
    shutil.copytree(stopped / "checkpoint", finished_run / "checkpoint")
    (finished_run / "checkpoint" / ".unfinished-abc").mkdir()
    (finished_run / ".lock").touch()
    code, _, lines = ask(*command)
    assert (code, len(lines)) == (2, 1)
    names = {path.name for path in finished_run.iterdir()}
    assert not {"checkpoint", ".lock"} & names
    assert "model.keras" in names


def test_what_else_is_in_the_folder_of_checkpoints_stays(finished_run, ask):
    (finished_run / "checkpoint").mkdir()
    for name in ("mine.txt", "state.json"):
        (finished_run / "checkpoint" / name).touch()
    assert ask("train", "--resume", "--output", "run")[0] == 2
    assert [path.name for path in (finished_run / "checkpoint").iterdir()] == ["mine.txt"]
