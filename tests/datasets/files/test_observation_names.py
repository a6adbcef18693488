"""Which images show one thing: told by folders and names, kept together by splits."""

import warnings

import numpy as np
import pytest
import released

from keras_rbi.datasets import ImageFiles, from_lists, load
from keras_rbi.datasets.files.observation_names import (
    files_of_observations,
    observation_names,
    with_observations,
)
from keras_rbi.datasets.files.records import PERMUTATION
from keras_rbi.datasets.splits import split_of_each


def nests(folder, count=12, images=3):
    """Class folders with a folder for each nest; one image lies beside them."""
    for name in ("wren", "owl"):
        for number in range(count):
            for image in range(images):
                released.draw(folder / name / f"nest{number}" / f"{image}.jpg", number)
    released.draw(folder / "owl" / "alone.jpg", 1)
    return folder


def records_of(files, splits=None):
    return from_lists(files, [file.split("/")[0] for file in files], splits)


@pytest.mark.filterwarnings("ignore:.*alone.jpg")
def test_a_folder_of_each_in_those_of_the_classes(tmp_path):
    data = load(nests(tmp_path / "birds"), image_size=8, observations="folders")
    for path, observation in zip(data.paths, data.observations, strict=True):
        label, *inner, _ = path.relative_to(tmp_path / "birds").parts
        assert observation == "/".join([label, *(inner or [path.name])])
    # Folders that are called alike in every class may be classes too, if nobody says more.
    with pytest.raises(ValueError, match=r"holds the same folders.*--observations folders"):
        load(tmp_path / "birds", image_size=8)


def test_what_has_no_observation_is_one_of_its_own_and_named(tmp_path):
    with pytest.warns(UserWarning, match=r"1 images are observations of their own.*owl/alone.jpg"):
        load(nests(tmp_path / "birds"), image_size=8, observations="folders")


def test_patterns_of_names():
    records = with_observations(
        records_of(["wren/7_1.jpg", "wren/7_2.jpg", "owl/7_1.jpg"]), r"(.+)_\d+\.jpg"
    )
    assert records.observations == ["wren/7", "wren/7", "owl/7"]
    # With a slash it is of the whole path; several groups together tell the thing.
    names = observation_names(["a/7/x_1.jpg", "a/8/x_2.jpg"], r"a/(\d)/(.)_\d\.jpg")
    assert names == ["7/x", "8/x"]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("(", "is no regular expression"),
        (r".+_\d+\.jpg", "needs a group"),
        (r"(\d+)-\d+\.png", r"does not match the whole of their name. The first is 'wren/1_1.jpg'"),
        ("folders", "in no folder of their own"),
    ],
)
def test_what_tells_nothing_is_refused(how, said):
    with pytest.raises(ValueError, match=said):
        with_observations(records_of(["wren/1_1.jpg", "owl/1_2.jpg"]), how)


def test_files_to_predict_by_folder_and_name(tmp_path):
    files = [tmp_path / name for name in ("a/1.jpg", "a/2.jpg", "b/1.jpg")]
    by_folder = files_of_observations(files, "folders")
    assert list(by_folder) == [str(tmp_path / "a"), str(tmp_path / "b")]
    by_name = files_of_observations(files, r"([12])\.jpg")
    assert [len(found) for found in by_name.values()] == [1, 1, 1]


@pytest.mark.parametrize("rule", ["hash", PERMUTATION])
@pytest.mark.parametrize("given", [False, True])
def test_drawn_splits_cut_no_observation(rule, given):
    rng = np.random.default_rng(0)
    things = [(label, thing) for label in "ab" for thing in range(9)]
    files = [f"{label}/{t}_{n}.jpg" for label, t in things for n in range(rng.integers(1, 6))]
    splits = ["test" if file.split("/")[1][0] == "0" else "train" for file in files]
    records = with_observations(records_of(files, splits if given else None), r"(\d)_\d\.jpg")
    for seed in range(20):
        drawn = split_of_each(records, seed, rule)
        of_thing = {}
        for name, split in zip(records.observations, drawn.tolist(), strict=True):
            assert of_thing.setdefault(name, split) == split
        assert {*drawn} == {"train", "validation", "test"}


def test_a_split_that_would_be_empty_gets_whole_observations():
    files = [f"{label}/{thing}_{n}.jpg" for label in "ab" for thing in range(2) for n in range(3)]
    records = with_observations(records_of(files), r"(\d)_\d\.jpg")
    for seed in range(10):
        drawn = split_of_each(records, seed)
        assert all(len({*drawn[at : at + 3]}) == 1 for at in range(0, 12, 3))


def test_given_splits_that_cut_are_told_with_examples(tmp_path):
    (tmp_path / "t.csv").write_text(
        "path,label,split,observation\n"
        + "".join(
            f"{name}{n}.jpg,{name},{split},{name}-nest\n"
            for name in ("wren", "owl")
            for n, split in enumerate(("train", "train", "test"))
        )
    )
    for name in ("wren", "owl"):
        for number in range(3):
            released.draw(tmp_path / f"{name}{number}.jpg", number)
    with pytest.warns(UserWarning, match=r"2 of 2 observations are in several .*wren-nest \(train"):
        load(tmp_path / "t.csv", image_size=8)


def test_lists_have_observations_in_python():
    files = [f"{n}.jpg" for n in range(4)]
    records = from_lists(files, list("abab"), ["train"] * 4, observations=[7, 8, 7, 8])
    with warnings.catch_warnings(), pytest.raises(ValueError, match="There are no test images"):
        ImageFiles(records, "test")
    assert records.observations == ["7", "8", "7", "8"]
    with pytest.raises(ValueError, match=r"`observations` must have one entry for each path"):
        from_lists(files, list("abab"), observations=["7"])
