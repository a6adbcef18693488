"""What a check tells of one's own data before training, against counts of the test's own."""

import json
import os
import shutil
from collections import Counter

import numpy as np
import pytest
import released
from PIL import Image

from keras_rbi.datasets.files import overview as module
from keras_rbi.datasets.files.equal_files import equal_files
from keras_rbi.datasets.files.image_folder import read_folder
from keras_rbi.datasets.files.lists import from_lists
from keras_rbi.datasets.files.overview import overview
from keras_rbi.datasets.files.records import HASH, PERMUTATION, SPLITS
from keras_rbi.datasets.splits import split_indices, split_of_each

SIZES = {"wren": (40, 30), "robin": (20, 10), "owl": (24, 18)}
COUNTS = {"wren": 11, "robin": 6, "owl": 1}


@pytest.fixture
def birds(tmp_path):
    number = 0
    for name, count in COUNTS.items():
        for _ in range(count):
            released.draw(tmp_path / name / f"{number}.png", number, SIZES[name])
            number += 1
    return tmp_path


def test_sizes_modes_and_formats_are_those_of_the_headers(birds):
    Image.new("L", (7, 5)).save(birds / "owl" / "grey.png")
    Image.new("CMYK", (90, 80)).save(birds / "owl" / "print.jpg")
    found = overview(read_folder(birds)).headers
    assert (found.smallest, found.median, found.largest) == ((7, 5), (40, 30), (90, 80))
    assert found.modes == {"RGB": 18, "L": 1, "CMYK": 1}
    assert found.formats == {"PNG": 19, "JPEG": 1}
    assert list(found.sizes.items())[:2] == [("40 x 30", 11), ("20 x 10", 6)]
    assert found.unreadable == []


def test_classes_smallest_first_and_imbalance(birds):
    found = overview(read_folder(birds))
    assert found.images_per_class == COUNTS
    assert list(found.smallest_classes.items()) == [("owl", 1), ("robin", 6), ("wren", 11)]
    assert found.imbalance == 11.0
    assert any("11 times" in warning for warning in found.warnings)


def test_of_many_files_a_sample_is_looked_at_unless_all_are_asked_for(birds, monkeypatch):
    monkeypatch.setattr(module, "LOOKED_AT", 10)
    monkeypatch.setattr(module, "SAMPLE", 5)
    records = read_folder(birds)
    some, every = overview(records), overview(records, every_file=True)
    assert some.equal is None
    assert some.headers.images == 5
    # Spread over the classes, not the first of one.
    assert len(some.headers.sizes) > 1
    assert every.headers.images == len(records.files) == 18
    assert every.equal is not None


def test_equal_files_whatever_they_are_called(birds):
    shutil.copy(birds / "wren" / "3.png", birds / "wren" / "copy.png")
    shutil.copy(birds / "wren" / "3.png", birds / "owl" / "3 (1).png")
    # Of the same size, but not equal.
    content = bytearray((birds / "wren" / "4.png").read_bytes())
    content[-1] ^= 1
    (birds / "wren" / "almost.png").write_bytes(content)
    os.mkfifo(birds / "pipe")
    records = read_folder(birds)
    (group,) = equal_files(records)
    names = {records.files[number] for number in group}
    assert names == {"wren/3.png", "wren/copy.png", "owl/3 (1).png"}
    found = overview(records)
    assert (found.equal.groups, found.equal.images, found.equal.several_classes) == (1, 3, 1)
    (warning,) = (told for told in found.warnings if "several classes" in told)
    assert "owl/3 (1).png (owl)" in warning


def test_equal_files_across_given_splits(tmp_path):
    drawn = 0
    for split, count in (("train", 6), ("val", 2)):
        for name in ("wren", "robin"):
            for number in range(count):
                released.draw(tmp_path / split / name / f"{number}.png", drawn)
                drawn += 1
    shutil.copy(tmp_path / "train/wren/0.png", tmp_path / "val/wren/9.png")
    shutil.copy(tmp_path / "train/robin/0.png", tmp_path / "train/robin/9.png")
    records = read_folder(tmp_path)
    found = overview(records)
    assert (found.equal.groups, found.equal.across_splits) == (2, 1)
    assert {file for file, _, _ in found.equal.examples[0]} == {
        "train/wren/0.png",
        "val/wren/9.png",
    }
    assert "'val' is what is tested on" in found.split_reason
    assert found.drawn["test"] == 5
    assert sum(found.drawn.values()) == 18


def test_observations_that_a_given_split_cuts():
    files = [f"{number}.jpg" for number in range(6)]
    records = from_lists(files, list("ababab"), ["train", "train", "test", "test", "train", "test"])
    records.observations = ["x", "y", "x", "z", "y", "z"]
    found = overview(records).cut_observations
    assert (found.observations, found.cut, found.examples) == (3, 1, {"x": ["train", "test"]})


def test_classes_without_a_test_or_training_image_are_named():
    files = [f"{number}.jpg" for number in range(4)]
    records = from_lists(files, list("abcc"), ["train", "test", "train", "test"])
    told = " ".join(overview(records).warnings)
    assert "1 classes have no train image: b." in told
    assert "1 classes have no test image: a." in told


@pytest.mark.parametrize("rule", [HASH, PERMUTATION])
@pytest.mark.parametrize("given", [None, ("train", "test"), SPLITS])
def test_the_split_of_each_is_the_one_that_is_trained_with(rule, given):
    rng = np.random.default_rng(3)
    labels = [*rng.integers(0, 7, 200).tolist(), *np.repeat(np.arange(7), 6).tolist()]
    # Every class has three training images or more, which the permutation needs.
    splits = None if given is None else [given[n % len(given)] for n in range(len(labels))]
    records = from_lists([f"{n}.jpg" for n in range(len(labels))], labels, splits)
    if rule == HASH:
        records.observations = [str(n // 2) for n in range(len(labels))]
    found = split_of_each(records, 5, rule)
    for split in SPLITS:
        expected = split_indices(records, split, 5, rule)
        assert sorted(expected) == np.flatnonzero(found == split).tolist()
    assert Counter(found.tolist()).total() == len(labels)


def run(arguments, capsys):
    from keras_rbi.cli.main import run

    with pytest.raises(SystemExit) as ended:
        run([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return ended.value.code, output.out, output.err


def test_the_command_tells_it_and_ends_with_the_command_to_train(birds, capsys):
    shutil.copy(birds / "wren" / "3.png", birds / "owl" / "3.png")
    code, out, _ = run(["datasets", "check", birds], capsys)
    assert code == 0
    assert "20 x 10 to 40 x 30 pixels" in out
    assert "The smallest: owl (2), robin (6), wren (11)." in out
    assert "2 files have 1 contents" in out
    assert "by each image's path" in out
    assert out.rstrip().splitlines()[-1] == f"Next: keras-rbi train --dataset {birds}"
    code, out, _ = run(["datasets", "check", birds, "--json"], capsys)
    assert json.loads(out)["overview"]["images_per_class"] == COUNTS | {"owl": 2}


def test_a_file_that_is_no_image_is_a_problem_without_decoding(birds, capsys):
    (birds / "owl" / "bad.jpg").write_text("words")
    code, out, _ = run(["datasets", "check", birds], capsys)
    assert code == 1
    assert "bad.jpg" in out
