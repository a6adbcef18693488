"""Whenever a process is killed, some command goes on, ends as it should, and tidies up."""

import os
import random
import shlex
import shutil
import tarfile
import time

import numpy as np
import pytest
from killed import killed, moves
from small_runs import SMALL

from keras_rbi.atomic_write import remove_unfinished
from keras_rbi.datasets.archives.extraction import extract_all

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are killed by a signal")
IMAGES = 300
EXTRACT = (
    "from pathlib import Path; from keras_rbi.datasets.archives.extraction import extract_all; "
    "extract_all([Path('data/x.tgz')], Path('data/x'))"
)


@pytest.fixture
def history(finished):
    return rows_of(finished)


def rows_of(run):
    lines = (run / "history.csv").read_text().splitlines()[1:]
    return [[float(value) for value in line.split(",")] for line in lines]


def go_on(ask, command):
    """Resumes a run, or begins it where the command says that this is to be done."""
    code, _, lines = ask("train", "--resume", "--output", "run", "--quiet")
    if code == 2 and "keras-rbi train" in lines[0]:
        assert len(lines) == 1
        advised = shlex.split(lines[0].partition("keras-rbi ")[2])
        code, _, lines = ask(*advised, *command[1:], "--quiet")
    if code == 2 and len(lines) == 1:
        # It was killed when all was there.
        assert "is finished" in lines[0]
    else:
        assert (code, lines) == (0, [])


def is_as_if_nothing_had_been(run, history):
    np.testing.assert_allclose(rows_of(run), history, atol=1e-6)
    names = {path.name for path in run.iterdir()}
    assert "model.keras" in names
    assert "metrics.json" in names
    assert "checkpoint" not in names
    assert not [path for path in run.rglob("*") if path.name.startswith(".")]


def kill_and_go_on(when, moment, ask, birds, history, command=SMALL):
    arguments = ["train", *command, "--output", "run", "--quiet"]
    was_killed, _ = killed(when, moment, *arguments, cwd=birds)
    go_on(ask, ["train", *command])
    is_as_if_nothing_had_been(birds / "run", history)
    return was_killed


def test_a_kill_at_a_move_of_training(ask, birds, history):
    """The first checkpoint has been moved, its state has not. The others are tried nightly."""
    assert kill_and_go_on("after", 7, ask, birds, history)


@pytest.mark.nightly
def test_kills_at_every_move_of_training(ask, birds, history):
    _, text = killed("never", 0, "train", *SMALL, "--output", "run", "--quiet", cwd=birds)
    number = moves(text)
    # Four files, two and three for the epochs, two for each that is the best so far, and four of
    # the result.
    assert number in (15, 17)
    for move in range(1, number + 1):
        for when in ("before", "after"):
            shutil.rmtree(birds / "run")
            assert kill_and_go_on(when, move, ask, birds, history), (when, move)


@pytest.mark.nightly
def test_kills_at_random_times_of_training(ask, birds, history):
    begin = time.monotonic()
    killed("never", 0, "train", *SMALL, "--output", "run", "--quiet", cwd=birds)
    seconds = time.monotonic() - begin
    generator, kills = random.Random(0), 0
    for _ in range(20):
        shutil.rmtree(birds / "run", ignore_errors=True)
        moment = generator.uniform(0, seconds)
        kills += kill_and_go_on("seconds", moment, ask, birds, history)
    assert kills >= 10


@pytest.mark.nightly
def test_a_run_that_is_killed_again_and_again_ends(ask, birds, history):
    arguments = ["train", *SMALL, "--output", "run", "--quiet"]
    killed("before", 6, *arguments, cwd=birds)
    # Before the first epoch is finished, then after it, then while the result is written.
    for move in (1, 5, 2, 6, 1, 3, 2, 3):
        resume = ["train", "--resume", "--output", "run", "--quiet"]
        assert killed("after", move, *resume, cwd=birds)[0]
    go_on(ask, ["train", *SMALL])
    is_as_if_nothing_had_been(birds / "run", history)


@pytest.fixture
def archive(tmp_path):
    (tmp_path / "images").mkdir()
    for number in range(IMAGES):
        (tmp_path / "images" / f"{number}.jpg").write_bytes(bytes(1000))
    (tmp_path / "data").mkdir()
    with tarfile.open(tmp_path / "data" / "x.tgz", "w:gz") as packed:
        packed.add(tmp_path / "images", "images")
    return tmp_path / "data" / "x.tgz"


def kill_extraction(when, moment, archive):
    """Whether it was killed; that it left all or nothing, and what the next one takes away."""
    target = archive.with_name("x")
    shutil.rmtree(target, ignore_errors=True)
    was_killed, _ = killed(when, moment, cwd=archive.parents[1], code=EXTRACT)
    assert not target.exists() or len(list(target.rglob("*.jpg"))) == IMAGES
    another = target if not target.exists() else archive.with_name("y")
    extract_all([archive], another)
    assert len(list(another.rglob("*.jpg"))) == IMAGES
    assert {path.name for path in archive.parent.iterdir()} <= {"x.tgz", "x", "y"}
    shutil.rmtree(archive.with_name("y"), ignore_errors=True)
    return was_killed


def test_kills_around_the_move_of_an_extraction(archive):
    assert kill_extraction("before", 1, archive)
    assert kill_extraction("after", 1, archive)


@pytest.mark.nightly
def test_kills_at_random_times_of_an_extraction(archive):
    begin = time.monotonic()
    killed("never", 0, cwd=archive.parents[1], code=EXTRACT)
    seconds = time.monotonic() - begin
    generator = random.Random(0)
    moments = [generator.uniform(seconds / 4, seconds) for _ in range(50)]
    assert sum(kill_extraction("seconds", moment, archive) for moment in moments) >= 10


WRITES = {
    "predict": ["predict", "run", "birds", "--quiet", "--output", "out/a.csv"],
    "evaluate": ["evaluate", "run", "--orders", "1", "--quiet", "--output", "out"],
    "explain": ["explain", "run", "birds", "--quiet", "--output", "out/a.html"],
    "export": ["export", "run", "--format", "onnx", "--quiet", "--output", "out/a.onnx"],
}
SERVE_NOTHING = (
    "import keras_rbi.serving.run as serving; serving.run = lambda *_: None; "
    "keras_rbi_command.run(['serve', 'run'])"
)


@pytest.fixture(params=WRITES)
def written(request, ask, finished_run):
    """A command, the folder that it writes to, and what it leaves there."""
    arguments, out = WRITES[request.param], finished_run.parent / "out"
    out.mkdir()
    code, _, lines = ask(*arguments)
    assert code == 0, lines
    return arguments, out, sorted(path.name for path in out.iterdir())


def kill_over_old_results(when, moment, arguments, out, names):
    """Whether it was killed; that what was there is there, or all of the new."""
    shutil.rmtree(out)
    out.mkdir()
    for name in names:
        (out / name).write_text("old")
    was_killed, _ = killed(when, moment, *arguments, cwd=out.parent)
    remove_unfinished(out)
    assert sorted(path.name for path in out.iterdir()) == names
    old = {path.read_bytes() == b"old" for path in out.iterdir()}
    assert len(old) == 1, (when, moment)
    return was_killed


@pytest.mark.nightly
def test_kills_at_every_move_of_what_writes_results(written):
    """What was there is there or all of the new is, and the next write tidies up."""
    arguments, out, _ = written
    _, text = killed("never", 0, *arguments, cwd=out.parent)
    number = moves(text)
    assert number >= 1
    for move in range(1, number + 1):
        for when in ("before", "after"):
            assert kill_over_old_results(when, move, *written), (when, move)


@pytest.mark.nightly
def test_kills_at_random_times_of_what_writes_results(written):
    arguments, out, _ = written
    begin = time.monotonic()
    killed("never", 0, *arguments, cwd=out.parent)
    seconds = time.monotonic() - begin
    generator = random.Random(0)
    moments = [generator.uniform(0, seconds) for _ in range(10)]
    assert sum(kill_over_old_results("seconds", moment, *written) for moment in moments) >= 3


@pytest.mark.nightly
def test_kills_of_the_export_of_serve(finished_run):
    """The next `serve` has all of what belongs to the model that is there, and nothing else."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("uvicorn")
    out = finished_run / "serving"
    begin = time.monotonic()
    _, text = killed("never", 0, cwd=finished_run.parent, code=SERVE_NOTHING)
    seconds = time.monotonic() - begin
    whole = sorted(out.iterdir())
    (model,) = (path for path in whole if path.suffix == ".onnx")
    digest = model.stem.rpartition("-")[2]
    number = moves(text)
    assert number == len(whole)
    for move in range(1, number + 1):
        for when in ("before", "after"):
            for path in out.iterdir():
                # Those of a model that was there before.
                path.rename(path.with_name(path.name.replace(digest, "0000")))
            assert killed(when, move, cwd=finished_run.parent, code=SERVE_NOTHING)[0], (when, move)
            killed("never", 0, cwd=finished_run.parent, code=SERVE_NOTHING)
            assert sorted(out.iterdir()) == whole
    generator, kills = random.Random(0), 0
    for _ in range(10):
        shutil.rmtree(out, ignore_errors=True)
        moment = generator.uniform(0, seconds)
        kills += killed("seconds", moment, cwd=finished_run.parent, code=SERVE_NOTHING)[0]
        killed("never", 0, cwd=finished_run.parent, code=SERVE_NOTHING)
        assert sorted(out.iterdir()) == whole
    assert kills >= 3
