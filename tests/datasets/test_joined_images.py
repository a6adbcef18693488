"""Splits as one data set."""

import numpy as np
import pytest
import released

from keras_rbi.datasets import Typefaces, load
from keras_rbi.datasets.files.records import SPLITS
from keras_rbi.datasets.joined_images import JoinedImages


def test_every_image_keeps_its_file_label_and_observation(tmp_path):
    rows = ["path,label,observation"]
    for number in range(30):
        released.draw(tmp_path / f"{number}.png", number)
        rows.append(f"{number}.png,{'ab'[number % 2]},nest {number // 2}")
    (tmp_path / "birds.csv").write_text("\n".join(rows))
    splits = {s: load(tmp_path / "birds.csv", split=s, image_size=8) for s in SPLITS}
    joined = JoinedImages(splits)
    assert sorted(joined.files) == sorted(f"{number}.png" for number in range(30))
    place = 0
    for split, data in splits.items():
        for index in range(len(data)):
            np.testing.assert_array_equal(joined.image(place), data.image(index))
            assert joined.splits[place] == split
            number = int(joined.files[place].removesuffix(".png"))
            assert joined.paths[place] == tmp_path / joined.files[place]
            assert joined.class_names[joined.labels[place]] == "ab"[number % 2]
            assert joined.observations[place] == f"nest {number // 2}"
            place += 1
    assert place == len(joined) == 30


def test_what_is_in_no_files_has_none():
    joined = JoinedImages({"train": Typefaces(per_class=1), "test": Typefaces("test", 1)})
    assert joined.files is None
    assert joined.observations is None


def test_splits_of_other_sizes_are_refused():
    with pytest.raises(ValueError, match=r"images of one size.*2 kinds of 2 splits"):
        JoinedImages({"train": Typefaces(per_class=1), "test": Typefaces("test", 1, 32)})
