"""Runs of two epochs on a dozen images, for tests of what becomes of their folders."""

import shutil

import numpy as np
import pytest
from PIL import Image

from keras_rbi.cli.main import run
from keras_rbi.training import TrainingRun

SMALL = ["--dataset", "birds", "--backbone", "SmallCNN", "--image-size", "16", "--epochs", "2"]


def interrupt(self, *_, **__):
    raise KeyboardInterrupt


def make_birds(folder):
    generator = np.random.default_rng(0)
    for name in ("wren", "robin"):
        (folder / "birds" / name).mkdir(parents=True)
        for number in range(6):
            pixels = generator.integers(0, 256, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(folder / "birds" / name / f"{number}.png")


@pytest.fixture
def birds(tmp_path, monkeypatch):
    """A folder with images, the one that commands run in."""
    make_birds(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def stopped(tmp_path_factory):
    """A run that was interrupted after its second and last epoch."""
    folder = tmp_path_factory.mktemp("stopped")
    make_birds(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(TrainingRun, "finish", interrupt)
        with pytest.raises(SystemExit):
            run(["train", *SMALL, "--quiet", "--output", "run"])
    return folder / "run"


@pytest.fixture(scope="session")
def finished(stopped, tmp_path_factory):
    """The same run, finished."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    shutil.copytree(stopped, folder)
    with pytest.raises(SystemExit):
        run(["train", "--resume", "--quiet", "--output", str(folder)])
    return folder


@pytest.fixture
def unfinished_run(stopped, birds):
    return shutil.copytree(stopped, birds / "run")


@pytest.fixture
def finished_run(finished, birds):
    return shutil.copytree(finished, birds / "run")


@pytest.fixture
def ask(birds, capsys):
    """The exit code of a command, what it prints, and what it complains of."""

    def ask(*arguments):
        with pytest.raises(SystemExit) as ended:
            run([*map(str, arguments)])
        printed = capsys.readouterr()
        return (
            ended.value.code,
            printed.out,
            [line for line in printed.err.splitlines() if not line.endswith(" ...")],
        )

    return ask
