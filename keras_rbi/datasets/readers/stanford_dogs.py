"""Stanford Dogs: 120 breeds, all of whose images come from ImageNet."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from keras_rbi._lazy import np
from keras_rbi.datasets.dataset_info import DatasetInfo, ReleasedFile, TfdsLayout
from keras_rbi.datasets.files.records import Records
from keras_rbi.datasets.readers.tables import read_boxes, read_mat


def read(root: Path) -> Records:
    """Reads a folder with `Images`, the lists, and `Annotation` where it is there.

    Args:
        root: The folder; the lists `train_list.mat` and `test_list.mat` lie in it or in `lists`.

    Returns:
        Records: labels are in the order of the folders, which is that of the lists' labels.

    Raises:
        ValueError: If a file is missing or not as released.
    """
    lists = root if (root / "train_list.mat").is_file() else root / "lists"
    files: list[str] = []
    splits: list[str] = []
    given: list[int] = []
    for split in ("train", "test"):
        content = read_mat(lists / f"{split}_list.mat")
        names = [str(name) for name in np.atleast_1d(content["file_list"])]
        files.extend(names)
        splits.extend([split] * len(names))
        given.extend(int(label) for label in np.atleast_1d(content["labels"]))
    folders = sorted({file.split("/")[0] for file in files})
    label_of = {folder: label for label, folder in enumerate(folders)}
    labels = np.array([label_of[file.split("/")[0]] for file in files], np.int64)
    findings = []
    if labels.tolist() != [label - 1 for label in given]:
        findings.append("The labels of the lists are not the order of the folders, from 1.")
    if len(set(files)) < len(files):
        findings.append(f"{len(files) - len(set(files))} images are listed twice.")
    annotations = root / "Annotation"
    return Records(
        root,
        ["Images/" + file for file in files],
        labels,
        [class_name(folder) for folder in folders],
        splits,
        boxes=partial(_boxes, annotations, files) if annotations.is_dir() else None,
        findings=findings,
    )


def class_name(folder: str) -> str:
    """`soft-coated wheaten terrier` of `n02098105-soft-coated_wheaten_terrier`."""
    return folder.split("-", 1)[-1].replace("_", " ")


def _boxes(annotations: Path, files: list[str], number: int) -> np.ndarray:
    # The annotations are XML without a suffix.
    return read_boxes(annotations / files[number].rsplit(".", 1)[0])


SITE = "http://vision.stanford.edu/aditya86/ImageNetDogs/"

INFO = DatasetInfo(
    name="stanford_dogs",
    title="Stanford Dogs",
    page=SITE + "main.html",
    read=read,
    markers=(
        ("Images", "train_list.mat", "test_list.mat"),
        ("Images", "lists/train_list.mat", "lists/test_list.mat"),
    ),
    folders=(".",),
    files=(
        ReleasedFile(
            "images.tar",
            url=SITE + "images.tar",
            checksum="sha256:a443fc2f9a851aa1a7b8e4fa4af94b8459fce2c9f5a2f4dd4669cf9673a4ec58",
            size=793579520,
        ),
        ReleasedFile(
            "lists.tar",
            url=SITE + "lists.tar",
            checksum="sha256:34b47cacd9a98b5d150e084f24d29391c084c55272295ec65c85651bc35f4d6c",
            size=481280,
        ),
        ReleasedFile(
            "annotation.tar",
            url=SITE + "annotation.tar",
            checksum="sha256:662ed36f707be6b195c2fda392d8e153e83af28cedc8e2134a649f198def30fd",
            size=21852160,
            needed=False,
        ),
    ),
    classes=120,
    images={"train": 12000, "test": 8580},
    per_class={"train": (100, 100), "test": (48, 152)},
    tfds="stanford_dogs",
    tfds_layout=TfdsLayout(
        file="image/filename",
        folder="Images/",
        class_name=lambda file: class_name(file.split("/")[1]),
        boxes=lambda example: example["objects"]["bbox"],
    ),
    note="The test images of Stanford Dogs come from ImageNet: a backbone pretrained there has "
    "seen them.",
)
