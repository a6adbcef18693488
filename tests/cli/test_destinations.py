"""Where results go: what cannot be written is told before the work, and nothing is half there."""

import contextlib
import errno
import os
import resource
import subprocess
import sys

import pytest
from small_runs import SMALL

MODULE = [sys.executable, "-c", "import keras_rbi_command; keras_rbi_command.main()"]


@contextlib.contextmanager
def files_of_at_most(size):
    """As under `ulimit -f`, and as on a disk that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


# A model that is not there, or none: a line about the output is then one before the work.
TO_A_FILE = {
    "predict": ["predict", "nowhere", "birds", "--format", "csv", "--output"],
    "explain": ["explain", "nowhere", "birds", "--output"],
    "show": ["datasets", "show", "nowhere", "--out"],
    "leaks": ["datasets", "leaks", "nowhere", "--out"],
}
TO_A_FOLDER = {
    "evaluate": ["evaluate", "nowhere", "--output"],
    "explain": ["explain", "nowhere", "birds", "--figures"],
    "train": ["train", *SMALL, "--output"],
}


@pytest.mark.parametrize("command", TO_A_FILE)
def test_a_file_that_cannot_be_written_is_told_before_the_work(command, ask, birds, monkeypatch):
    (birds / "folder.png").mkdir()
    (birds / "file").touch()
    os.symlink("loop.png", birds / "loop.png")
    for output in ("folder.png", "nowhere/a.png", "file/a.png", "loop.png"):
        before = contents(birds)
        code, _, lines = ask(*TO_A_FILE[command], output)
        assert (code, len(lines)) == (2, 1)
        assert output.partition("/")[0] in lines[0]
        assert "--out" in lines[0]
        assert contents(birds) == before

    def read_only(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "x")

    monkeypatch.setattr("tempfile.mkdtemp", read_only)
    code, _, lines = ask(*TO_A_FILE[command], "a.png")
    assert (code, len(lines)) == (2, 1)
    assert "'a.png' cannot be written: Read-only file system." in lines[0]


@pytest.mark.parametrize("command", TO_A_FOLDER)
def test_a_folder_that_cannot_be_made_is_told_before_the_work(command, ask, birds):
    (birds / "file").touch()
    for output in ("file", "file/folder"):
        before = contents(birds)
        code, _, lines = ask(*TO_A_FOLDER[command], output)
        assert (code, len(lines)) == (2, 1)
        assert "file" in lines[0]
        assert contents(birds) == before


def test_an_export_that_cannot_be_written_is_told_before_the_work(ask, birds):
    (birds / "model.keras").write_bytes(b"none")
    (birds / "file").touch()
    for options in (
        ["--format", "onnx", "--output", "file/a.onnx"],
        ["--format", "tf_saved_model", "--output", "birds"],
        ["--format", "torch", "--output", "birds"],
    ):
        before = contents(birds)
        code, _, lines = ask("export", "model.keras", *options)
        assert (code, len(lines)) == (2, 1)
        assert "damaged" not in lines[0]
        assert contents(birds) == before


# With the largest file that is let through.
MAKES = {
    "predict": (["predict", "run", "birds", "--output", "out/a.csv"], 200),
    "evaluate": (["evaluate", "run", "--orders", "1", "--output", "out"], 2_000),
    "explain": (["explain", "run", "birds", "--output", "out/a.html"], 4_000),
    "show": (["datasets", "show", "birds", "--image-size", "16", "--out", "out/a.png"], 4_000),
}


@pytest.mark.parametrize("command", MAKES)
def test_what_a_full_disk_refuses_is_told_and_leaves_what_was_there(command, ask, finished_run):
    arguments, size = MAKES[command]
    out = finished_run.parent / "out"
    out.mkdir()
    (out / "a.csv").write_text("old")
    before = contents(out)
    with files_of_at_most(size):
        code, _, lines = ask(*arguments)
    assert (code, len(lines)) == (2, 1)
    assert f"{os.strerror(errno.EFBIG)}: 'out" in lines[0]
    assert contents(out) == before


def test_training_goes_on_when_there_is_room_again(ask, birds, finished):
    before = contents(birds)
    with files_of_at_most(30_000):
        code, _, lines = ask("train", *SMALL, "--output", "run")
    assert (code, len(lines)) == (2, 1)
    assert "'run/checkpoint/best.npz'" in lines[0]
    advised = lines[0].partition("go on after the last finished epoch: keras-rbi ")[2].split()
    assert not [path for path in (birds / "run").rglob("*") if path.name.startswith(".")]
    code, _, lines = ask(*advised, "--quiet")
    assert (code, lines) == (0, [])
    assert len((birds / "run" / "history.csv").read_text().splitlines()) == 3
    assert {name for name in contents(birds) if not name.startswith("run")} == set(before)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")
def test_an_output_that_takes_no_more_is_told(tmp_path):
    for command in (["datasets"], ["datasets", "--json"], ["--version"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [*MODULE, *command], stdout=full, stderr=subprocess.PIPE, text=True
            )
        assert done.returncode == 2
        assert done.stderr.splitlines() == [
            f"Error: {os.strerror(errno.ENOSPC)}. What was being written is not there."
        ]


def test_a_reader_that_has_enough_ends_the_command_in_silence(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*MODULE, "datasets", "--json"], stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_commands_write_into_devices_and_through_links(ask, finished_run, birds):
    os.symlink("there.csv", birds / "link.csv")
    os.symlink("/dev/null", birds / "null.html")
    (birds / "measured").mkdir()
    os.symlink("../there.json", birds / "measured" / "evaluation.json")
    for arguments in (
        ["predict", "run", "birds", "--quiet", "--output", "link.csv"],
        ["predict", "run", "birds", "--quiet", "--output", "/dev/null"],
        ["explain", "run", "birds", "--output", "null.html"],
        ["evaluate", "run", "--orders", "1", "--output", "measured"],
    ):
        code, _, lines = ask(*arguments)
        assert (code, lines) == (0, [])
    for link, there in (
        ("link.csv", "there.csv"),
        ("null.html", "/dev/null"),
        ("measured/evaluation.json", "../there.json"),
    ):
        assert os.readlink(birds / link) == there
    assert (birds / "there.csv").read_text().startswith("image,class_1")
    assert (birds / "there.json").read_text().startswith("{")
    assert not os.path.isfile("/dev/null")
