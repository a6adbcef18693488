"""A disk that is full, at any moment of training, and has room again afterwards."""

import errno
import os
import shutil
import subprocess

import pytest
from small_runs import SMALL


@pytest.fixture
def small_disk(tmp_path):
    """Function of a number of KiB that gives a disk of that size; where none can be had, a skip."""
    mounted = []

    def mount(size):
        folder = tmp_path / f"disk-{len(mounted)}"
        folder.mkdir()
        if shutil.which("mount") is None:
            pytest.skip("there is no command to mount a small disk with")
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def room(disk, size):
    command = ["mount", "-o", f"remount,size={size}k", str(disk)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.nightly
def test_training_on_a_disk_that_fills_goes_on_when_there_is_room(small_disk, ask, birds):
    refused = 0
    for size in (16, 64, 256, 512, 768, 1024, 1536, 2048, 3072):
        disk = small_disk(size)
        output = str(disk / "run")
        code, _, lines = ask("train", *SMALL, "--output", output, "--quiet")
        if code:
            refused += 1
            assert (code, len(lines)) == (2, 1)
            assert os.strerror(errno.ENOSPC) in lines[0]
            assert not list(disk.rglob(".unfinished*"))
            room(disk, 64 * 1024)
            again = ["--resume"] if (disk / "run" / "settings.json").exists() else SMALL
            code, _, lines = ask("train", *again, "--output", output, "--quiet")
        assert (code, lines) == (0, [])
        assert len((disk / "run" / "history.csv").read_text().splitlines()) == 3
    assert refused >= 3
