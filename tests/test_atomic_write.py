"""Files and folders appear whole or not at all, and take the place of nothing else."""

import os

import pytest

from keras_rbi.atomic_write import atomic_write, remove_unfinished, write_atomically


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


def test_what_a_kill_has_left_is_removed(tmp_path):
    (tmp_path / ".unfinished-abc").mkdir()
    (tmp_path / ".unfinished-model.keras").touch()
    (tmp_path / "kept").touch()
    remove_unfinished(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["kept"]
