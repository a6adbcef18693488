"""Copies of released sets as people have them: without what classification does not need."""

import shutil

import pytest
import released

from keras_rbi.datasets import DatasetWarning, load


@pytest.mark.parametrize(
    ("name", "gone"), [("nabirds", "parts"), ("cub_200_2011", "parts"), ("nabirds", "boxes")]
)
def test_parts_and_boxes_may_be_missing(tmp_path, name, gone):
    root, expected = getattr(released, name)(tmp_path)
    if gone == "parts":
        shutil.rmtree(root / "parts")
    else:
        (root / "bounding_boxes.txt").unlink()
    with pytest.warns(DatasetWarning, match=f"There are no {gone}.*read without"):
        data = load(name, tmp_path, "test", 8)
    assert len(data) == sum(split == "test" for _, split in expected.values())
    assert data.image(0).shape == (8, 8, 3)
    assert len(data.boxes(0)) == (gone != "boxes")
    if gone == "parts":
        assert data.part_names is None


def test_tiny_imagenet_without_boxes_and_with_files_that_no_list_has(tmp_path):
    root, expected = released.tiny_imagenet_200(tmp_path)
    folders = sorted(path for path in (root / "train").iterdir() if path.is_dir())
    (folders[0] / f"{folders[0].name}_boxes.txt").unlink()
    extra = folders[1] / "images" / f"{folders[1].name}_999.JPEG"
    shutil.copy(next((folders[1] / "images").iterdir()), extra)
    with pytest.warns(DatasetWarning) as told:
        data = load("tiny_imagenet_200", tmp_path, "trainval", 8)
    text = " ".join(str(one.message) for one in told)
    assert "1 classes have no file of boxes" in text
    assert "1 training images are in no file of boxes and are left out" in text
    assert len(data) == sum(split != "test" for _, split in expected.values())
