"""Folders named after classes: written for a run's examples, and read for the truth of images."""

import doctest
from pathlib import Path

import pytest

from keras_rbi.datasets.files import class_folders as module
from keras_rbi.datasets.files.class_folders import class_folders, labels_of_files
from keras_rbi.datasets.files.find_images import find_images

NASTY = ["wren", "a/b", "a_b", "..", ".", ".git", "", "new\nline", "é" * 150, "é" * 151, "Möwe"]


def test_every_class_has_a_folder_of_its_own_that_a_disk_takes(tmp_path):
    found = class_folders(NASTY)
    assert list(found.values()) == list(range(len(NASTY)))
    for name in found:
        (tmp_path / name).mkdir()
        assert not name.startswith(".")
    assert len(list(tmp_path.iterdir())) == len(NASTY)
    assert (found["wren"], found["a_b"]) == (0, 2)


@pytest.mark.parametrize("how", ["folder", "class folders", "files"])
def test_an_image_is_of_the_class_whose_folder_it_lies_in(how, tmp_path, monkeypatch):
    # What is above the folder that was named tells nothing, whatever it is called.
    home = tmp_path / "robin"
    for name in ("birds/wren/1.png", "birds/wren/trip/2.png", "birds/3.png", "birds/o/4.png"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(b"\x89PNG\r\n\x1a\n")
    named = {
        "folder": [home / "birds"],
        "class folders": [home / "birds" / "wren", home / "birds" / "o"],
        "files": sorted(home.rglob("*.png")),
    }[how]
    files = find_images(named)
    found = dict(
        zip(
            [file.name for file in files],
            labels_of_files(files, named, ["robin", "wren"]),
            strict=True,
        )
    )
    expected = {"1.png": 1, "2.png": 1, "3.png": -1, "4.png": -1}
    if how == "files":
        expected["2.png"] = -1
    assert found == {name: expected[name] for name in found}
    assert len(found) == (3 if how == "class folders" else 4)


def test_letters_and_accents_may_be_taken_apart():
    file = Path("birds/Mo\u0308we/1.png")
    assert labels_of_files([file], ["birds"], ["Taube", "M\u00f6we"]) == [1]


def test_the_examples_give_what_they_show():
    results = doctest.testmod(module)
    assert results.attempted
    assert not results.failed
