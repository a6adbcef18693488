"""Runs that others work on, that were killed, or whose files are damaged."""

import subprocess
import sys

import numpy as np
import pytest
from complaints import complaints
from PIL import Image

from keras_rbi import file_lock
from keras_rbi.cli.main import run
from keras_rbi.training import TrainingRun

SMALL = ["--dataset", "birds", "--backbone", "SmallCNN", "--image-size", "16", "--epochs", "2"]
HOLD = f"""
import pathlib, runpy, sys
with runpy.run_path({file_lock.__file__!r})["locked"](pathlib.Path(sys.argv[1]), "It"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def birds(tmp_path, monkeypatch):
    """A folder with images, the one that commands run in."""
    generator = np.random.default_rng(0)
    for name in ("wren", "robin"):
        (tmp_path / "birds" / name).mkdir(parents=True)
        for number in range(6):
            pixels = generator.integers(0, 256, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "birds" / name / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ask(birds, capsys):
    """The exit code of a command, what it prints, and what it complains of."""

    def ask(*arguments):
        with pytest.raises(SystemExit) as ended:
            run([*map(str, arguments)])
        printed = capsys.readouterr()
        return ended.value.code, printed.out, complaints(printed.err)

    return ask


@pytest.fixture
def interrupted(ask, monkeypatch):
    """A run that was interrupted before its first epoch, and may go on."""

    def interrupt(self, *_, **__):
        raise KeyboardInterrupt

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
