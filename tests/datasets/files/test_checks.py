"""Differences from what was released are told, and nothing else is."""

import dataclasses
import json

import numpy as np
import pytest
import released

from keras_rbi.datasets import DatasetWarning, load
from keras_rbi.datasets.catalogue import DATASETS
from keras_rbi.datasets.files.checks import check, unreadable
from keras_rbi.datasets.load import read_unchecked


def as_small(name, root, expected):
    """The released set, with the counts of a small tree."""
    info = DATASETS[name]
    splits = {split for _, split in expected.values()}
    of_split = {
        split: np.bincount([label for label, which in expected.values() if which == split])
        for split in splits
    }
    classes = max(len(counts) for counts in of_split.values())
    return dataclasses.replace(
        info,
        classes=102 if name == "oxford_flowers102" else classes,
        images={split: int(counts.sum()) for split, counts in of_split.items()},
        per_class={}
        if name == "oxford_flowers102"
        else {split: (int(c.min()), int(c.max())) for split, c in of_split.items()},
        coarse={} if name in ("nabirds", "fgvc_aircraft") else info.coarse,
    )


@pytest.fixture(params=released.RELEASED)
def small(request, tmp_path, monkeypatch):
    """A small tree that is as released, its name and its folder."""
    name = request.param
    root, expected = released.RELEASED[name](tmp_path)
    monkeypatch.setitem(DATASETS, name, as_small(name, root, expected))
    return name, tmp_path, root, expected


def problems(name, data_dir):
    return check(read_unchecked(name, data_dir, {}), DATASETS[name]).problems


def test_what_is_as_released_is_told_nothing_of(small, recwarn):
    name, data_dir, _, expected = small
    assert problems(name, data_dir) == []
    data = load(name, data_dir, "test", 8)
    assert not [warning for warning in recwarn if warning.category is DatasetWarning]
    report = check(read_unchecked(name, data_dir, {}), DATASETS[name])
    assert report.splits["test"].images == len(data)
    assert sum(counts.images for counts in report.splits.values()) == len(expected)


def test_missing_files_and_counts_are_told(small):
    name, data_dir, root, expected = small
    file = next(file for file, (_, split) in expected.items() if split == "train")
    (root / file).unlink()
    with pytest.warns(DatasetWarning) as warned:
        load(name, data_dir, "test", 8)
    (message,) = {str(w.message) for w in warned if w.category is DatasetWarning}
    # Of iNaturalist the folders are all there is: what is missing shows in the counts.
    wanted = "images instead of" if name == "inaturalist_2021" else f"1 files are missing: {file}"
    assert wanted in message


def test_other_counts_are_told(small):
    name, data_dir, _, _ = small
    info = DATASETS[name]
    train = info.images["train"]
    other = dataclasses.replace(
        info,
        classes=info.classes + 1,
        images=info.images | {"train": train + 1},
        per_class=info.per_class | {"train": (1, 1)},
    )
    records = read_unchecked(name, data_dir, {})
    told = check(records, other).problems
    assert f"{info.classes} classes instead of {info.classes + 1}." in told
    assert f"{train:,} train images instead of {train + 1:,}." in told
    assert any("train images a class instead of 1." in problem for problem in told)


def test_groups_are_counted_at_their_level(tmp_path):
    _, expected = released.fgvc_aircraft(tmp_path)
    info = dataclasses.replace(
        as_small("fgvc_aircraft", tmp_path, expected), coarse={"family": 3, "manufacturer": 9}
    )
    for level, told in (
        ("family", []),
        ("manufacturer", ["2 groups (manufacturer) instead of 9."]),
    ):
        options = {"coarse": level}
        records = read_unchecked("fgvc_aircraft", tmp_path, options)
        assert check(records, info, options).problems == told


def test_labels_in_another_order_are_told(tmp_path):
    root, _ = released.cub_200_2011(tmp_path)
    names = [line.split()[1] for line in (root / "classes.txt").read_text().splitlines()]
    released.lines(root / "classes.txt", [f"{i} {n}" for i, n in enumerate(names[::-1], 1)])
    told = " ".join(problems("cub_200_2011", tmp_path))
    assert "not in the order of their folders" in told
    assert "12 images lie in the folder of another class" in told


def test_dogs_whose_lists_number_the_breeds_otherwise_are_told(tmp_path):
    released.stanford_dogs(tmp_path)
    from scipy.io import loadmat

    content = loadmat(tmp_path / "train_list.mat")
    released.mat(
        tmp_path / "train_list.mat",
        file_list=content["file_list"],
        labels=content["labels"][::-1],
    )
    assert any(
        "not the order of the folders" in told for told in problems("stanford_dogs", tmp_path)
    )


def test_images_listed_twice_are_told(tmp_path):
    root, _ = released.oxford_pets(tmp_path)
    path = root / "annotations" / "test.txt"
    rows = path.read_text().splitlines()
    released.lines(path, [*rows, rows[0]])
    assert "1 files are listed more than once." in problems("oxford_pets", tmp_path)


def test_pets_with_mixed_breeds_are_told(tmp_path):
    root, _ = released.oxford_pets(tmp_path)
    path = root / "annotations" / "test.txt"
    released.lines(
        path, path.read_text().replace("Abyssinian_24 1", "Abyssinian_24 2").splitlines()
    )
    assert any("several breeds" in told for told in problems("oxford_pets", tmp_path))


def test_unreadable_images_are_told(tmp_path):
    root, expected = released.oxford_pets(tmp_path)
    file = next(iter(expected))
    (root / file).write_bytes((root / file).read_bytes()[:300])
    steps = []
    told = unreadable(read_unchecked("oxford_pets", tmp_path, {}), lambda *s: steps.append(s))
    assert len(told) == 1
    assert file in told[0]
    assert steps[-1] == ("all", len(expected), len(expected))


def run(arguments, capsys):
    from keras_rbi.cli.main import run

    with pytest.raises(SystemExit) as ended:
        run([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return ended.value.code, output.out, output.err


def test_the_command_prints_the_report(small, capsys):
    name, data_dir, _, _ = small
    code, out, _ = run(["datasets", "check", name, data_dir, "--decode"], capsys)
    assert code == 0
    assert "All as it was released." in out
    assert ("ImageNet" in out) == (name in ("stanford_dogs", "tiny_imagenet_200"))


def test_the_command_ends_with_1_where_something_differs(tmp_path, capsys):
    root, expected = released.oxford_pets(tmp_path)
    code, out, _ = run(["datasets", "check", "oxford_pets", tmp_path], capsys)
    assert code == 1
    assert "3 classes instead of 37." in out
    (root / next(iter(expected))).write_text("words")
    code, out, _ = run(["datasets", "check", "oxford_pets", tmp_path, "--decode", "--json"], capsys)
    report = json.loads(out)
    assert code == 1
    assert report["splits"]["train"] == {"images": 9, "classes": 3, "fewest": 3, "most": 3}
    assert any("Abyssinian_20.jpg" in problem for problem in report["problems"])


def test_the_command_checks_ones_own_folder(tmp_path, capsys):
    for number in range(6):
        released.draw(tmp_path / "ab"[number % 2] / f"{number}.png", number)
    code, out, _ = run(["datasets", "check", tmp_path], capsys)
    assert code == 0
    assert "No file is missing." in out
    assert "3 to 3" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cub200"], "no data set 'cub200'"),
        (["cub_200_2011"], "--data-dir"),
        (["nabirds", ".", "--download"], "allaboutbirds"),
        (["birds/", "--download"], "no address"),
        (["cub_200_2011", "--download"], "Say where to put"),
        (["typefaces"], "no files to check"),
        (["fgvc_aircraft", ".", "--coarse", "genus"], "must be one of"),
    ],
)
def test_mistakes_get_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(["datasets", "check", *arguments], capsys)
    assert code == 2
    assert message in err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1


def test_the_sets_are_listed(capsys):
    code, out, _ = run(["datasets", "--json"], capsys)
    listed = {info["name"]: info for info in json.loads(out)}
    assert set(listed) == set(DATASETS)
    assert listed["nabirds"]["images"] == {"train": 23929, "test": 24633}
    assert not listed["nabirds"]["download"]
    code, out, _ = run(["datasets"], capsys)
    assert code == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines()]
    assert ["nabirds", "555", "23,929", "held out", "24,633", "no"] in rows
    assert rows[-5][0] == "typefaces"
