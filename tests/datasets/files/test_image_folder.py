"""Folders of one's own: layouts, names of splits, order of classes, and what is passed over."""

import hashlib
import os

import numpy as np
import pytest
from PIL import Image

from keras_rbi.datasets import DatasetWarning, ImageFolder, flip_and_rotate, load
from keras_rbi.datasets.files.image_folder import read_folder
from keras_rbi.datasets.files.records import SPLITS
from keras_rbi.datasets.splits import split_indices


def fill(folder, counts):
    """Class folders whose images have a colour of their own."""
    colour = 0
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            colour += 1
            picture = Image.new("RGB", (20 + number, 12), (colour, number, 9))
            picture.save(folder / name / f"{number}.png")
    return folder


def drawn(name, seed):
    """The split of a file, by the definition."""
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest()
    number = int(digest[:14], 16) / 16**14
    return "test" if number < 0.2 else "validation" if number < 0.28 else "train"


def splits_of(folder, seed=0):
    return {split: ImageFolder(folder, split, 8, seed) for split in SPLITS}


@pytest.mark.parametrize("seed", [0, 1])
def test_the_split_of_an_image_follows_from_its_path_and_the_seed(tmp_path, seed):
    fill(tmp_path, {"wren": 60, "robin": 30})
    splits = splits_of(tmp_path, seed)
    for split, data in splits.items():
        names = [path.relative_to(tmp_path).as_posix() for path in data.paths]
        assert [drawn(name, seed) for name in names] == [split] * len(names)
        assert data.class_names == ["robin", "wren"]
    assert sum(map(len, splits.values())) == 90
    assert 8 <= len(splits["test"]) <= 30


def test_files_that_come_or_go_move_no_other(tmp_path):
    fill(tmp_path, {"wren": 50, "robin": 20})

    def of_file():
        return {path: split for split, data in splits_of(tmp_path).items() for path in data.paths}

    before = of_file()
    Image.new("RGB", (9, 9)).save(tmp_path / "wren" / "00-first.png")
    Image.new("RGB", (9, 9)).save(tmp_path / "wren" / "zz-last.png")
    (tmp_path / "robin" / "7.png").unlink()
    after = of_file()
    assert len(after) == 71
    assert all(after.get(path, split) == split for path, split in before.items())


def test_the_rule_of_version_0_1_has_exact_shares(tmp_path):
    fill(tmp_path, {"wren": 30, "robin": 10})
    records = read_folder(tmp_path)
    counts = {
        split: np.bincount(records.labels[split_indices(records, split, 0, "permutation")]).tolist()
        for split in SPLITS
    }
    assert counts == {"train": [7, 21], "validation": [1, 3], "test": [2, 6]}


def test_the_seed_decides_the_division(tmp_path):
    fill(tmp_path, {"a": 30, "b": 30})
    assert ImageFolder(tmp_path, "test", 8).paths == ImageFolder(tmp_path, "test", 8).paths
    assert ImageFolder(tmp_path, "test", 8).paths != ImageFolder(tmp_path, "test", 8, 1).paths


@pytest.mark.parametrize("test_folder", ["test", "val"])
def test_divided_folders_keep_their_division(tmp_path, test_folder):
    fill(tmp_path / "train", {"a": 10, "b": 20})
    fill(tmp_path / test_folder, {"a": 2, "b": 1})
    test = ImageFolder(tmp_path, "test", 8)
    assert {path.parent.parent.name for path in test.paths} == {test_folder}
    assert len(test) == 3
    held_out = set(ImageFolder(tmp_path, "validation", 8).paths)
    kept = set(ImageFolder(tmp_path, "train", 8).paths)
    assert len(held_out) + len(kept) == 30
    assert held_out
    assert not held_out & kept


def test_a_validation_folder_beside_a_test_folder_is_the_validation_split(tmp_path):
    fill(tmp_path / "train", {"a": 10, "b": 20})
    fill(tmp_path / "val", {"a": 1, "b": 2})
    fill(tmp_path / "test", {"a": 2, "b": 1})
    splits = {split: ImageFolder(tmp_path, split, 8) for split in ("train", "validation", "test")}
    for split, folder, count in (
        ("train", "train", 30),
        ("validation", "val", 3),
        ("test",) * 2 + (3,),
    ):
        assert len(splits[split]) == count
        assert {path.parent.parent.name for path in splits[split].paths} == {folder}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [3, 4, 5, 6, 11])
def test_no_split_of_a_few_images_is_empty_and_every_class_is_learnt(tmp_path, count, seed):
    fill(tmp_path, {"a": count, "b": count})
    splits = splits_of(tmp_path, seed)
    assert min(map(len, splits.values())) >= 1
    assert sum(map(len, splits.values())) == 2 * count
    assert set(splits["train"].labels) == {0, 1}


def test_classes_of_one_or_two_images_are_for_training(tmp_path):
    fill(tmp_path, {"a": 30, "b": 2, "c": 1, "d": 30})
    with pytest.warns(DatasetWarning, match="2 classes of one or two images are for training"):
        train = load(tmp_path, split="train", image_size=8)
    assert np.bincount(train.labels)[1:3].tolist() == [2, 1]
    with pytest.warns(DatasetWarning, match=r"fewer than 3 images are left out: b \(2\), c \(1\)"):
        train = load(tmp_path, split="train", image_size=8, min_images=3)
    assert train.class_names == ["a", "d"]
    with pytest.raises(ValueError, match=r"leaves 0 classes of 4.*1 to 30 images"):
        load(tmp_path, min_images=31)


def test_images_are_resized_rgb(tmp_path):
    fill(tmp_path, {"a": 5, "b": 5})
    data = ImageFolder(tmp_path, "train", 16)
    image = data.image(0)
    assert image.shape == (16, 16, 3)
    assert image.dtype == np.uint8
    with Image.open(data.paths[0]) as picture:
        assert tuple(image[3, 3]) == picture.getpixel((0, 0))
    data.paths[0].unlink()
    np.testing.assert_array_equal(data.image(0), image)


def test_unfit_folders_are_named(tmp_path):
    with pytest.raises(ValueError, match="no folder"):
        ImageFolder(tmp_path / "none")
    with pytest.raises(ValueError, match="two class folders"):
        ImageFolder(tmp_path)
    fill(tmp_path / "one", {"a": 4})
    with pytest.raises(ValueError, match="only 'a'"):
        ImageFolder(tmp_path / "one")
    fill(tmp_path / "few", {"a": 2, "b": 2})
    with pytest.raises(ValueError, match="There is no test image: no class has the 3 images"):
        ImageFolder(tmp_path / "few", "test")
    fill(tmp_path / "more" / "train", {"a": 4, "b": 4})
    fill(tmp_path / "more" / "test", {"a": 4, "c": 4})
    with pytest.raises(ValueError, match="lack: 'c'"):
        ImageFolder(tmp_path / "more", "test")
    with pytest.raises(ValueError, match="split='dev'"):
        ImageFolder(tmp_path / "few", "dev")


def test_augmentation_flips_half_and_turns_a_little():
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, :20] = 200
    rng = np.random.default_rng(0)
    turned = [flip_and_rotate(image, rng) for _ in range(200)]
    assert all(each.shape == image.shape and each.dtype == np.uint8 for each in turned)
    flipped = np.mean([each[20, 35, 0] > each[20, 5, 0] for each in turned])
    assert 0.4 < flipped < 0.6
    # Two small angles may turn so coarse a picture alike.
    assert len({each.tobytes() for each in turned}) > 150


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("Train", None, "Test"),
        ("TRAIN", "Val", "TEST"),
        ("training", "validation", "testing"),
        ("trn", "dev", "holdout"),
        ("train", "eval", "test"),
    ],
)
def test_splits_are_told_by_any_of_their_names(tmp_path, train, validation, test):
    fill(tmp_path / train, {"wren": 9, "robin": 9})
    fill(tmp_path / test, {"wren": 2, "robin": 2})
    if validation:
        fill(tmp_path / validation, {"wren": 1, "robin": 1})
    splits = splits_of(tmp_path)
    assert splits["test"].class_names == ["robin", "wren"]
    assert len(splits["test"]) == 4
    assert len(splits["train"]) + len(splits["validation"]) == 18 + (2 if validation else 0)


def test_a_wrapping_folder_is_looked_into(tmp_path):
    fill(tmp_path / "Kaggle" / "Images", {"wren": 9, "robin": 9})
    with pytest.warns(DatasetWarning, match=r"Looked into 'Kaggle/Images'"):
        data = load(tmp_path, split="train", image_size=8)
    assert data.class_names == ["robin", "wren"]


@pytest.mark.parametrize(
    ("lay_out", "message"),
    [
        (lambda f: [fill(f / "Test", {"a": 3}), fill(f / "val", {"a": 3})], "called as splits"),
        (
            lambda f: [fill(f / name, {"train": 3, "test": 3}) for name in ("wren", "robin")],
            "holds the same folders, 'test', 'train'.*Swap the levels",
        ),
        (
            lambda f: [fill(f / "train", {"a": 3, "b": 3}), fill(f, {"test": 4})],
            "'test'.*no class folders.*no labels.*keras-rbi predict",
        ),
        (
            lambda f: [fill(f / n, {"a": 3, "b": 3}) for n in ("train", "val", "valid")],
            "called as the validation images: 'val', 'valid'",
        ),
        (
            lambda f: [fill(f / "train", {"a": 3, "b": 3}), fill(f / "other", {"a": 3, "b": 3})],
            "beside others with images, 'other'",
        ),
    ],
)
def test_layouts_that_may_mean_several_things_are_refused(tmp_path, lay_out, message):
    lay_out(tmp_path)
    with pytest.raises(ValueError, match=message):
        ImageFolder(tmp_path)


def test_hidden_and_foreign_files_are_passed_over(tmp_path):
    fill(tmp_path, {"wren": 5, "robin": 5})
    for folder in ("wren/.ipynb_checkpoints", "__MACOSX/wren", "wren/@eaDir", "$RECYCLE.BIN"):
        fill(tmp_path / folder, {".": 2})
    for name in ("wren/._0.png", "wren/Thumbs.db", ".DS_Store"):
        (tmp_path / name).write_bytes(b"none")
    records = read_folder(tmp_path)
    assert len(records.files) == 10
    assert records.class_names == ["robin", "wren"]
    assert not records.notes


def test_images_are_told_by_their_content(tmp_path):
    fill(tmp_path, {"wren": 3, "robin": 3})
    picture = Image.new("RGB", (9, 9), (1, 2, 3))
    for name, form in (("a.jfif", "JPEG"), ("b", "PNG"), ("c.jpe", "JPEG"), ("d.ppm", "PPM")):
        picture.save(tmp_path / "wren" / name, form)
    picture.save(tmp_path / "wren" / "e.photo", "WEBP")
    (tmp_path / "wren" / "notes.txt").write_text("BMW, seen from the side")
    (tmp_path / "wren" / "x.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 20)
    with pytest.warns(DatasetWarning) as told:
        data = load(tmp_path, split="trainval", image_size=8, seed=3)
    text = str(told[0].message)
    assert "1 passed over as no image by their content: wren/notes.txt" in text
    assert ("keras-rbi[heic]" in text) or any(path.suffix == ".heic" for path in data.paths)
    records = read_folder(tmp_path)
    assert sum(file.startswith("wren/") for file in records.files) >= 8


def test_links_are_followed_and_circles_cut(tmp_path):
    fill(tmp_path / "elsewhere", {"robin": 3})
    fill(tmp_path / "birds", {"wren": 3})
    os.symlink(tmp_path / "elsewhere" / "robin", tmp_path / "birds" / "robin")
    os.symlink(tmp_path / "birds", tmp_path / "birds" / "wren" / "round")
    os.symlink(tmp_path / "nowhere", tmp_path / "birds" / "wren" / "lost.png")
    os.mkfifo(tmp_path / "birds" / "wren" / "pipe.png")
    records = read_folder(tmp_path / "birds")
    assert sorted(set(records.class_names)) == ["robin", "wren"]
    assert len(records.files) == 6
    notes = " ".join(records.notes)
    assert "Linked folders were entered: robin" in notes
    assert "links to a folder that they are in: wren/round" in notes
    assert "2 passed over as links that lead nowhere, or special files" in notes


def test_classes_are_in_natural_order_and_empty_ones_are_told(tmp_path):
    fill(tmp_path, dict.fromkeys(("10", "2", "1", "11"), 3))
    (tmp_path / "3").mkdir()
    records = read_folder(tmp_path)
    assert records.class_names == ["1", "2", "10", "11"]
    assert any("1 folders without an image are no classes: '3'" in note for note in records.notes)


def test_images_outside_of_class_folders_are_told(tmp_path):
    fill(tmp_path, {"wren": 3, "robin": 3})
    Image.new("RGB", (9, 9)).save(tmp_path / "cover.png")
    assert any("1 images are in no class folder" in note for note in read_folder(tmp_path).notes)


def test_a_class_whose_images_are_all_unreadable_is_an_error(tmp_path):
    fill(tmp_path, {"wren": 5, "robin": 5, "owl": 1})
    (tmp_path / "owl" / "0.png").write_bytes(b"none")
    with pytest.raises(ValueError, match="None of the training images of 'owl' can be read"):
        ImageFolder(tmp_path, image_size=8, on_error="skip")
