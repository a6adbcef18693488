"""Every file of a run folder, damaged in every way: each command works, or ends with one line."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

IMAGES = "birds/wren"


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def replace_by_a_folder(path):
    path.unlink()
    path.mkdir()


def remove(path):
    path.unlink()


def flip(path):
    content = bytearray(path.read_bytes())
    generator = np.random.default_rng(len(content))
    for place in generator.integers(0, len(content), 20):
        content[place] ^= 1 << int(generator.integers(0, 8))
    path.write_bytes(bytes(content))


def fill(path):
    """With what is none of any format."""
    path.write_bytes(bytes(range(256)) * 8)


DAMAGES = (truncate, empty, replace_by_a_folder, remove, flip, fill)
COMMANDS = {
    "predict": ["predict", "run", IMAGES, "--format", "csv"],
    "evaluate": ["evaluate", "run", "--orders", "1", "--batch-sizes", "1"],
    "explain": ["explain", "run", IMAGES, "--output", "a.html"],
    "compare": ["compare", "run", "run", "--repeats", "0"],
    "export": ["export", "run", "--format", "onnx", "--precision", "int8", "--output", "a.onnx"],
    "resume": ["train", "--resume", "--output", "run", "--quiet"],
    "train": ["train", "--dataset", "birds", "--output", "run"],
    "seeds": ["train", "--dataset", "birds", "--output", ".", "--seeds", "0", "--quiet"],
}


def files_of(run):
    return sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.is_file())


def is_told_or_works(ask, command, what):
    """A traceback would end the test, which the command runs in."""
    code, _, lines = ask(*command)
    if code == 0:
        return 0
    assert code == 2, (what, code, lines)
    assert len(lines) == 1, (what, lines)
    assert lines[0].startswith("Error: "), (what, lines)
    assert len(lines[0]) < 1500, (what, lines)
    return 1


def damage_and_ask(ask, whole, command, names=None, damages=DAMAGES):
    """How many damages a command has told in a line, and how many there were."""
    told = tried = 0
    for name in names or files_of(whole):
        for damage in damages:
            shutil.rmtree("run", ignore_errors=True)
            shutil.copytree(whole, "run")
            damage(Path("run", name))
            told += is_told_or_works(ask, COMMANDS[command], (command, name, damage.__name__))
            tried += 1
    return told, tried


def test_damages_that_are_told(ask, birds, finished):
    """Some of those that the nightly tests go through."""
    names = ["model.keras", "settings.json"]
    told, tried = damage_and_ask(ask, finished, "predict", names, (truncate, replace_by_a_folder))
    assert (told, tried) == (2, 4)


def test_damages_of_the_best_weights_are_told(ask, birds, stopped):
    names = ["checkpoint/best.json", "checkpoint/best.npz"]
    assert damage_and_ask(ask, stopped, "resume", names, (truncate,)) == (2, 2)


@pytest.mark.nightly
@pytest.mark.parametrize("command", [each for each in COMMANDS if each != "seeds"])
def test_every_damage_of_a_finished_run(command, ask, birds, finished, record_property):
    told, tried = damage_and_ask(ask, finished, command)
    record_property("damages", tried)
    assert told


@pytest.mark.nightly
@pytest.mark.parametrize("command", ["predict", "resume", "train"])
def test_every_damage_of_a_run_that_was_stopped(command, ask, birds, stopped, record_property):
    told, tried = damage_and_ask(ask, stopped, command)
    record_property("damages", tried)
    assert told


@pytest.mark.nightly
def test_damages_of_one_of_several_seeds(ask, birds, finished, record_property):
    for name in files_of(finished):
        for damage in DAMAGES:
            shutil.rmtree("seed-0", ignore_errors=True)
            shutil.copytree(finished, "seed-0")
            damage(Path("seed-0", name))
            command = [*COMMANDS["seeds"], "--backbone", "SmallCNN", "--image-size", "16"]
            is_told_or_works(ask, [*command, "--epochs", "1"], (name, damage.__name__))


SIZES = (0, 1, 100, 1_000, 10_000, 50_000, 100_000, 300_000)


@pytest.mark.nightly
@pytest.mark.parametrize("command", [each for each in COMMANDS if each not in ("train", "seeds")])
def test_files_that_may_have_so_many_bytes_and_no_more(command, ask, birds, finished, stopped):
    """What is refused is told with its file; what was there stays, and nothing else is left."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    refused = 0
    for size in SIZES:
        shutil.rmtree("run", ignore_errors=True)
        shutil.copytree(stopped if command == "resume" else finished, "run")
        for output in ("a.html", "a.onnx"):
            (birds / output).write_text("old")
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            code, _, lines = ask(*COMMANDS[command])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        if code == 0:
            continue
        refused += 1
        assert (code, len(lines)) == (2, 1), (size, lines)
        assert os.strerror(errno.EFBIG) in lines[0]
        assert (birds / "a.html").read_text() == (birds / "a.onnx").read_text() == "old"
        assert not [path for path in birds.rglob("*") if path.name.startswith(".unfinished")]
        if command == "resume":
            assert ask(*COMMANDS[command])[0] == 0
    assert refused or command in ("predict", "evaluate", "compare")
