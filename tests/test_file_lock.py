"""Locks keep others out, name their holder, and end with its process, however that ends."""

import doctest
import errno
import os
import platform
import signal
import subprocess
import sys
import threading

import pytest

from keras_rbi import file_lock
from keras_rbi.file_lock import LockedError, locked

# The module alone, so that a process starts at once.
LOAD = f"""
import os, runpy, sys
from pathlib import Path
names = runpy.run_path({file_lock.__file__!r})
locked, LockedError = names["locked"], names["LockedError"]
"""
HOLD = LOAD + "with locked(Path(sys.argv[1]), 'It'): print('held', flush=True); sys.stdin.read()"
# A lock that two have at once shows as a file that is there already.
CONTEND = (
    LOAD
    + """
path, entered = Path(sys.argv[1]), 0
while entered < 30:
    try:
        with locked(path, "It"):
            os.close(os.open(path.with_name("inside"), os.O_CREAT | os.O_EXCL))
            os.unlink(path.with_name("inside"))
            entered += 1
    except LockedError:
        pass
print(entered)
"""
)


def python(code, *arguments):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], **pipes)


@pytest.fixture
def holder(tmp_path):
    process = python(HOLD, tmp_path / "lock")
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_the_holder_is_named_and_a_killed_one_holds_nothing(holder, tmp_path):
    path = tmp_path / "lock"
    with pytest.raises(LockedError) as refused, locked(path, "The run 'x'"):
        pass
    assert str(refused.value).startswith(
        f"The run 'x' is being worked on by process {holder.pid} on {platform.node()} since 20"
    )
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert path.exists()
    with locked(path, "It"):
        assert str(os.getpid()) in path.read_text()
    assert not path.exists()


def test_of_many_processes_one_is_inside_at_a_time(tmp_path):
    processes = [python(CONTEND, tmp_path / "lock") for _ in range(3)]
    assert [process.communicate()[0] for process in processes] == ["30\n"] * 3
    assert not list(tmp_path.iterdir())


def test_a_thread_enters_again_and_another_does_not(tmp_path):
    path, told = tmp_path / "a" / "b" / "lock", []

    def enter():
        try:
            with locked(path, "It"):
                told.append("in")
        except LockedError as error:
            told.append(str(error))

    with locked(path, "It"), locked(path, "It"):
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
    assert "another thread of this process" in told.pop()
    assert not (tmp_path / "a").exists()
    enter()
    assert told == ["in"]


@pytest.mark.skipif(os.name != "posix", reason="the signal 0 asks after a process on POSIX alone")
def test_where_there_are_no_locks_the_named_process_is_asked_after(holder, tmp_path, monkeypatch):
    def unsupported(descriptor):
        raise OSError(file_lock.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(file_lock, "lock_descriptor", unsupported)
    with (
        pytest.raises(LockedError, match=f"process {holder.pid} "),
        locked(tmp_path / "lock", "It"),
    ):
        pass
    holder.kill()
    holder.wait()
    with locked(tmp_path / "lock", "It"):
        pass
    (tmp_path / "lock").write_text('{"pid": 1, "host": "elsewhere", "since": "then"}')
    with pytest.raises(LockedError, match="on elsewhere"), locked(tmp_path / "lock", "It"):
        pass
    for broken in ("", "{", "[]", '{"pid": "x"}'):
        (tmp_path / "lock").write_text(broken)
        with locked(tmp_path / "lock", "It"):
            pass


def test_a_lock_that_cannot_be_signed_leaves_no_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left") as told, locked(tmp_path / "lock", "It"):
        pass
    assert told.value.filename == str(tmp_path / "lock")
    assert not list(tmp_path.iterdir())


def test_the_example_gives_what_it_shows():
    assert doctest.testmod(file_lock) == (0, 4)
