"""Files and folders appear whole or not at all, and take the place of nothing else."""

import errno
import os
import subprocess
import sys

import pytest

from keras_rbi.atomic_write import (
    atomic_files,
    atomic_write,
    remove_unfinished,
    write_atomically,
)

# The module without Keras, as the command imports it.
LOAD = """
import os, sys
from pathlib import Path
import keras_rbi_command
from keras_rbi.atomic_write import atomic_write, unfinished_folder
here = Path(sys.argv[1])
"""


def python(code, folder):
    return subprocess.Popen(
        [sys.executable, "-c", LOAD + code, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_file_is_there_whole_or_as_it_was(tmp_path):
    path = tmp_path / "a.txt"
    write_atomically(path, lambda unfinished: unfinished.write_text("first"))

    def break_off(unfinished):
        unfinished.write_text("sec")
        assert path.read_text() == "first"
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        write_atomically(path, break_off)
    assert path.read_text() == "first"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def test_what_is_written_beside_moves_along_and_a_folder_is_replaced(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").touch()
    with atomic_write(tmp_path / "model") as unfinished:
        unfinished.mkdir()
        (unfinished / "new").touch()
        unfinished.with_suffix(".bin").touch()
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["model", "model.bin", "new"]


def test_a_link_stays_and_a_pipe_is_written_into(tmp_path):
    (tmp_path / "there.txt").write_text("old")
    os.symlink(tmp_path / "there.txt", tmp_path / "link.txt")
    write_atomically(tmp_path / "link.txt", lambda unfinished: unfinished.write_text("new"))
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "there.txt").read_text() == "new"
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(tmp_path / "pipe", lambda pipe: pipe.write_text("through"))
    assert os.read(reader, 99) == b"through"
    os.close(reader)
    assert not (tmp_path / "pipe").is_file()


def test_a_file_does_not_take_the_place_of_a_folder_nor_a_folder_of_a_file(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.png").write_text("kept")
    with pytest.raises(IsADirectoryError, match="photos"):
        write_atomically(tmp_path / "photos", lambda path: path.write_text("new"))
    with pytest.raises(NotADirectoryError, match="png"):
        write_atomically(tmp_path / "photos" / "1.png", lambda path: path.mkdir())
    assert [path.name for path in tmp_path.rglob("*")] == ["photos", "1.png"]
    assert (tmp_path / "photos" / "1.png").read_text() == "kept"


def test_folders_that_were_made_for_what_failed_are_removed(tmp_path):
    def fail(path):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_atomically(tmp_path / "a" / "b" / "c.txt", fail)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="descriptors are no files here")
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_a_descriptor_is_written_into_where_it_is(name, tmp_path):
    """A shell has the file open, and goes on writing to it."""
    os.symlink("/dev/stdout", tmp_path / "link")
    code = f"""
from keras_rbi.atomic_write import write_atomically
def write(path):
    with path.open("a") as file:
        file.write("from it\\n")
write_atomically(here / {name!r}, write)
print("from the shell", flush=True)
"""
    with (tmp_path / "out").open("w") as file:
        subprocess.run([sys.executable, "-c", LOAD + code, str(tmp_path)], stdout=file, check=True)
    assert (tmp_path / "out").read_text().splitlines()[-1] == "from the shell"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "out"]
    piped = python(code, tmp_path).communicate()[0]
    assert piped == "from it\nfrom the shell\n"


def test_a_link_to_itself_is_told(tmp_path):
    os.symlink("loop", tmp_path / "loop")
    with pytest.raises(OSError, match="symbolic links"):
        write_atomically(tmp_path / "loop", lambda path: path.write_text("new"))
    assert os.readlink(tmp_path / "loop") == "loop"


def test_files_of_a_folder_appear_together_and_are_written_through_links(tmp_path):
    folder, there = tmp_path / "folder", tmp_path / "there.csv"
    folder.mkdir()
    (folder / "kept").touch()
    there.write_text("old")
    os.symlink(there, folder / "a.csv")
    os.symlink("/dev/null", folder / "b.csv")

    def write(path):
        for name in ("a.csv", "b.csv", "c.csv"):
            (path / name).write_text("new")

    def write_and_fail():
        with atomic_files(folder) as unfinished:
            write(unfinished)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert there.read_text() == "old"
    assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "b.csv", "kept"]
    with atomic_files(folder) as unfinished:
        write(unfinished)
    assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "b.csv", "c.csv", "kept"]
    assert (there.read_text(), (folder / "c.csv").read_text()) == ("new", "new")
    assert (folder / "a.csv").is_symlink()
    assert os.readlink(folder / "b.csv") == "/dev/null"
    assert not os.path.isfile("/dev/null")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        OSError(f"Can't write data (errno = 28, error message = '{os.strerror(errno.ENOSPC)}')"),
        RuntimeError(f"writing failed: {os.strerror(errno.ENOSPC)}"),
    ],
)
def test_what_a_disk_refuses_is_told_with_the_path_that_was_asked_for(error, tmp_path):
    (tmp_path / "a.txt").write_text("old")

    def fail(path):
        path.write_text("half")
        raise error

    with pytest.raises(OSError, match="No space left") as told:
        write_atomically(tmp_path / "a.txt", fail)
    assert (told.value.errno, told.value.filename) == (errno.ENOSPC, str(tmp_path / "a.txt"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_what_a_kill_has_left_is_removed(tmp_path):
    (tmp_path / ".unfinished-abc").mkdir()
    (tmp_path / ".unfinished-model.keras").touch()
    (tmp_path / "kept").touch()
    remove_unfinished(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["kept"]


@pytest.mark.skipif(os.name != "posix", reason="folders are locked on POSIX alone")
def test_what_another_process_is_at_work_on_is_left_until_it_is_killed(tmp_path):
    code = "with unfinished_folder(here): print('at work', flush=True); sys.stdin.read()"
    other = python(code, tmp_path)
    assert other.stdout.readline() == "at work\n"
    (at_work,) = tmp_path.iterdir()
    write_atomically(tmp_path / "a.txt", lambda path: path.write_text("a"))
    assert at_work.is_dir()
    other.kill()
    other.communicate()
    assert at_work.is_dir()
    write_atomically(tmp_path / "a.txt", lambda path: path.write_text("a"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


# Dies when it is about to move something for the time that the second argument says.
DIES = """
moves, move = iter(range(1, 9)), os.replace
def die(*args):
    os._exit(9) if next(moves) == MOVE else move(*args)
os.replace = die
with atomic_write(here / "model") as path:
    path.mkdir()
    (path / "a").write_text("new")
    path.with_suffix(".bin").write_text("new")
"""


@pytest.mark.skipif(os.name != "posix", reason="folders are locked on POSIX alone")
@pytest.mark.parametrize("move", [1, 2, 3])
def test_several_parts_are_all_old_or_all_new_after_a_kill(move, tmp_path):
    """The folder is moved away, the new one comes in its place, and then the file beside it."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a").write_text("old")
    (tmp_path / "model.bin").write_text("old")
    killed = python(DIES.replace("MOVE", str(move)), tmp_path)
    killed.communicate()
    assert killed.returncode == 9
    remove_unfinished(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "model", "model.bin"]
    assert (tmp_path / "model" / "a").read_text() == "new"
    assert (tmp_path / "model.bin").read_text() == "new"


def test_what_is_durable_is_on_the_disk_before_and_after_it_is_moved(tmp_path, monkeypatch):
    steps = []
    sync, move = os.fsync, os.replace

    def syncing(descriptor):
        steps.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    def moving(source, target):
        steps.append("moved")
        move(source, target)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(os, "replace", moving)
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("the system does not tell what a descriptor is of")
    write_atomically(tmp_path / "a.txt", lambda path: path.write_text("a"), durable=True)
    assert steps[0] == "a.txt"
    assert steps[1].startswith(".unfinished-")
    assert steps[2:] == ["moved", tmp_path.name]
    steps.clear()
    write_atomically(tmp_path / "a.txt", lambda path: path.write_text("a"))
    assert steps == ["moved"]
