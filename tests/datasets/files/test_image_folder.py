import numpy as np
import pytest
from PIL import Image

from keras_rbi.datasets import ImageFolder, flip_and_rotate


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


def test_splits_are_disjoint_stratified_and_complete(tmp_path):
    fill(tmp_path, {"wren": 30, "robin": 10})
    splits = {split: ImageFolder(tmp_path, split, 8) for split in ("train", "validation", "test")}
    assert {split: np.bincount(data.labels).tolist() for split, data in splits.items()} == {
        "train": [7, 21],
        "validation": [1, 3],
        "test": [2, 6],
    }
    paths = [path for data in splits.values() for path in data.paths]
    assert len(paths) == len(set(paths)) == 40
    assert all(data.class_names == ["robin", "wren"] for data in splits.values())


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
    assert len(held_out) == 3
    assert len(kept) == 27
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


@pytest.mark.parametrize("count", [3, 4, 5, 6, 11])
def test_small_classes_are_in_every_split_once(tmp_path, count):
    fill(tmp_path, {"a": count, "b": count})
    sizes = [len(ImageFolder(tmp_path, split, 8)) for split in ("train", "validation", "test")]
    assert min(sizes) >= 2
    assert sum(sizes) == 2 * count


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
    fill(tmp_path / "few", {"a": 4, "b": 2})
    with pytest.raises(ValueError, match="at least three images"):
        ImageFolder(tmp_path / "few")
    fill(tmp_path / "more" / "train", {"a": 4, "b": 4})
    fill(tmp_path / "more" / "test", {"a": 4, "c": 4})
    with pytest.raises(ValueError, match="lack: c"):
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
