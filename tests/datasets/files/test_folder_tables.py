"""Folders as other tools write them, made after their documentation."""

import json

import numpy as np
import pytest
import released

from keras_rbi.datasets import ImageFolder
from keras_rbi.datasets.files.image_folder import read_folder
from keras_rbi.datasets.files.records import SPLITS


def draw(folder, count):
    for number in range(count):
        released.draw(folder / f"{number}.jpg", number)
    return [f"{number}.jpg" for number in range(count)]


def labels_of(folder):
    """From file to class, of all splits."""
    return {
        file: data.class_names[label]
        for split in SPLITS
        for data in [ImageFolder(folder, split, 8)]
        for file, label in zip(data.files, data.labels.tolist(), strict=True)
    }


def test_hugging_faces_imagefolder_with_metadata(tmp_path):
    for split, count in (("train", 12), ("test", 4)):
        files = draw(tmp_path / split, count)
        rows = [{"file_name": file, "label": "ab"[n % 2]} for n, file in enumerate(files)]
        text = "\n".join(map(json.dumps, rows))
        (tmp_path / split / "metadata.jsonl").write_text(text)
    found = labels_of(tmp_path)
    assert len(found) == 16
    assert found["test/3.jpg"] == "b"
    assert len(ImageFolder(tmp_path, "test", 8)) == 4


def test_metadata_beside_the_images(tmp_path):
    files = draw(tmp_path, 30)
    lines = ["file_name,label", *(f"{file},{'ab'[n % 2]}" for n, file in enumerate(files))]
    (tmp_path / "metadata.csv").write_text("\n".join(lines))
    assert labels_of(tmp_path) == {file: "ab"[n % 2] for n, file in enumerate(files)}


def test_roboflows_export_for_classification(tmp_path):
    for split, count in (("train", 9), ("valid", 3), ("test", 3)):
        files = draw(tmp_path / split, count)
        rows = [
            f"{file}, {', '.join(map(str, np.eye(3, dtype=int)[n % 3]))}"
            for n, file in enumerate(files)
        ]
        (tmp_path / split / "_classes.csv").write_text(
            "\n".join(["filename, wren, robin, owl", *rows])
        )
    records = read_folder(tmp_path)
    assert records.class_names == ["owl", "robin", "wren"]
    assert labels_of(tmp_path)["valid/1.jpg"] == "robin"
    assert [len(ImageFolder(tmp_path, split, 8)) for split in SPLITS] == [9, 3, 3]
    lines = (
        (tmp_path / "test" / "_classes.csv").read_text().replace("1.jpg, 0, 1, 0", "1.jpg, 1, 1, 0")
    )
    (tmp_path / "test" / "_classes.csv").write_text(lines)
    with pytest.raises(
        ValueError, match=r"Line 3 .*'1.jpg' the classes 'wren', 'robin'.*exactly one"
    ):
        read_folder(tmp_path)


@pytest.mark.parametrize("names", [("train", "val"), ("train", "valid"), ("train", "test")])
def test_folders_of_torchvision_timm_and_fastai(tmp_path, names):
    for split, count in zip(names, (6, 2), strict=True):
        for name in ("wren", "robin"):
            draw(tmp_path / split / name, count)
    assert len(labels_of(tmp_path)) == 16
    assert len(ImageFolder(tmp_path, "test", 8)) == 4


def test_kaggles_flat_folder_says_where_its_labels_are(tmp_path):
    draw(tmp_path / "train", 6)
    (tmp_path / "labels.csv").write_text("id,breed\n0,wren")
    with pytest.raises(ValueError, match=r"If labels.csv says what they show, name it instead"):
        ImageFolder(tmp_path)
