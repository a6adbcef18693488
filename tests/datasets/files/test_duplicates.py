"""Copies are found, and what only looks alike is not."""

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from keras_rbi.datasets import ImageFiles, Typefaces, find_duplicates, from_lists
from keras_rbi.datasets.files import duplicates
from keras_rbi.datasets.image_data import ImageData


def scene(seed):
    """A picture with the large shapes and the detail of a photograph."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 6, 3)).astype(np.uint8)
    picture = Image.fromarray(coarse).resize((200, 150), Image.Resampling.BICUBIC)
    noise = rng.normal(0.0, 8.0, (150, 200, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def recompressed(picture):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=30)
    return Image.open(io.BytesIO(file.getvalue())).convert("RGB")


COPIES = {
    "the same": lambda picture: picture,
    "recompressed": recompressed,
    "half as large": lambda picture: picture.resize((100, 75), Image.Resampling.BILINEAR),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.25),
    "darker": lambda picture: picture.point(lambda value: max(0, value - 25)),
    "more contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(1.3),
    "mirrored": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}


class Pictures(ImageData):
    def __init__(self, images):
        self.images = [np.asarray(image) for image in images]
        self.labels = np.zeros(len(images), np.int64)
        self.class_names = ["a"]
        self.image_size = 0

    def image(self, index):
        return self.images[index]


@pytest.mark.parametrize("change", COPIES)
def test_copies_are_found_and_nothing_else(change):
    scenes = [scene(seed) for seed in range(12)]
    copies = [COPIES[change](picture) for picture in scenes[3:6]]
    others = [scene(seed) for seed in range(100, 110)]
    found = find_duplicates(Pictures(scenes), Pictures([*others, *copies]))
    assert sorted((pair.first, pair.second) for pair in found) == [(3, 10), (4, 11), (5, 12)]
    assert all(pair.exact == (change == "the same") for pair in found)
    assert all(pair.flipped == (change == "mirrored") for pair in found)
    without = find_duplicates(Pictures(scenes), Pictures([*others, *copies]), flips=False)
    assert len(without) == (0 if change == "mirrored" else 3)


def test_typefaces_are_not_duplicates():
    train, test = (Typefaces(split, per_class=3, image_size=32) for split in ("train", "test"))
    assert find_duplicates(train, test) == []


def test_decibels_are_those_of_a_literal_comparison():
    data = Pictures([scene(seed) for seed in range(5)])
    found = find_duplicates(data, data, threshold_db=1e-3, flips=False)
    assert len(found) == 25
    for pair in found:
        one, other = (
            duplicates.thumbnail(data.image(index)).astype(float)
            for index in (pair.first, pair.second)
        )
        literal = 20 * np.log10(255 / (np.sqrt(np.mean((one - other) ** 2)) + 1))
        assert pair.decibels == pytest.approx(literal, abs=1e-9)
        assert pair.exact == (pair.first == pair.second)


def test_squared_differences_are_exact():
    rng = np.random.default_rng(0)
    one, other = (rng.integers(0, 256, (n, 32, 32, 3), np.uint8) for n in (4, 3))
    other[0] = one[2]
    other[1] = one[1]
    other[1, 0, 0, 0] ^= 1
    literal = ((one[:, None].astype(int) - other[None].astype(int)) ** 2).sum(axis=(2, 3, 4))
    np.testing.assert_array_equal(duplicates.squared_differences(one, other), literal)


@pytest.mark.parametrize("block", [1, 4, 100])
def test_blocks_do_not_matter_and_a_pair_within_a_set_comes_once(block, monkeypatch):
    monkeypatch.setattr(duplicates, "BLOCK", block)
    pictures = [scene(seed) for seed in range(9)]
    pictures += [pictures[2], COPIES["mirrored"](pictures[7]), pictures[2]]
    done = []
    found = find_duplicates(Pictures(pictures), progress=lambda *step: done.append(step))
    assert {(pair.first, pair.second): pair.flipped for pair in found} == {
        (2, 9): False,
        (2, 11): False,
        (9, 11): False,
        (7, 10): True,
    }
    assert done[-1] == ("pairs", 144, 144)


def test_files_are_compared_without_being_kept(tmp_path):
    paths = []
    for number in range(8):
        paths.append(tmp_path / f"{number}.png")
        scene(number % 6).save(paths[-1])
    records = from_lists(paths, ["a", "b"] * 4, ["train"] * 6 + ["test"] * 2)
    train, test = (ImageFiles(records, split, 16) for split in ("trainval", "test"))
    found = find_duplicates(train, test)
    files = {(train.paths[p.first].name, test.paths[p.second].name) for p in found if p.exact}
    assert files == {("0.png", "6.png"), ("1.png", "7.png")}


def test_unfit_thresholds_are_named():
    with pytest.raises(ValueError, match="threshold_db"):
        find_duplicates(Pictures([scene(0)]), threshold_db=0.0)
