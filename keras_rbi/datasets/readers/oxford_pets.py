"""Oxford-IIIT Pets: 37 breeds of cats and dogs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from keras_rbi._lazy import np
from keras_rbi.datasets.dataset_info import DatasetInfo, ReleasedFile, TfdsLayout
from keras_rbi.datasets.files.records import Records
from keras_rbi.datasets.readers.tables import read_boxes, read_lines

LISTS = {"trainval.txt": "train", "test.txt": "test"}
SPECIES = ("Cat", "Dog")


def read(root: Path) -> Records:
    """Reads a folder with `images` and `annotations`.

    Args:
        root: The folder.

    Returns:
        Records: labels are the class ids less 1, an order that ignores case; the coarse labels
        are cat and dog.

    Raises:
        ValueError: If a file is missing or not as released.
    """
    names: list[str] = []
    numbers: list[list[int]] = []
    splits: list[str] = []
    for file, split in LISTS.items():
        for line in read_lines(root / "annotations" / file):
            if line.startswith("#"):
                continue
            name, *values = line.split()
            if len(values) != 3 or not all(value.isdigit() for value in values):
                raise ValueError(
                    f"A line of {file} needs a name and three integers. Received: {line!r}."
                )
            names.append(name)
            numbers.append([int(value) for value in values])
            splits.append(split)
    table = np.array(numbers, np.int64)
    labels = table[:, 0] - 1
    breeds: dict[int, set[str]] = {}
    for name, label in zip(names, labels.tolist(), strict=True):
        breeds.setdefault(label, set()).add(class_name(name))
    findings = []
    if sorted(breeds) != list(range(len(breeds))):
        raise ValueError(f"The class ids in {str(root)!r} are not 1, 2, 3, ...")
    if mixed := [sorted(group) for group in breeds.values() if len(group) > 1]:
        findings.append(f"A class id has images of several breeds: {mixed}.")
    xmls = root / "annotations" / "xmls"
    return Records(
        root,
        [f"images/{name}.jpg" for name in names],
        labels,
        [min(breeds[label]) for label in range(len(breeds))],
        splits,
        table[:, 1] - 1,
        list(SPECIES),
        boxes=partial(_boxes, xmls, names) if xmls.is_dir() else None,
        findings=findings,
    )


def class_name(image: str) -> str:
    """`Egyptian Mau` of the image `Egyptian_Mau_14`."""
    return image.rsplit("_", 1)[0].replace("_", " ")


def _boxes(xmls: Path, names: list[str], number: int) -> np.ndarray:
    path = xmls / f"{names[number]}.xml"
    # Only a part of the training images have the box of the head.
    if not path.is_file():
        return np.zeros((0, 4), np.float32)
    return read_boxes(path)


SITE = "https://thor.robots.ox.ac.uk/~vgg/data/pets/"

INFO = DatasetInfo(
    name="oxford_pets",
    title="Oxford-IIIT Pets",
    page="https://www.robots.ox.ac.uk/~vgg/data/pets/",
    read=read,
    markers=(("images", "annotations/trainval.txt", "annotations/test.txt"),),
    folders=(".",),
    files=(
        ReleasedFile(
            "images.tar.gz",
            url=SITE + "images.tar.gz",
            checksum="sha256:67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d",
            size=791918971,
        ),
        ReleasedFile(
            "annotations.tar.gz",
            url=SITE + "annotations.tar.gz",
            checksum="sha256:52425fb6de5c424942b7626b428656fcbd798db970a937df61750c0f1d358e91",
            size=19173078,
        ),
    ),
    classes=37,
    images={"train": 3680, "test": 3669},
    tfds="oxford_iiit_pet",
    tfds_layout=TfdsLayout(
        file="file_name",
        folder="images/",
        class_name=lambda file: class_name(file.split("/")[1].removesuffix(".jpg")),
        # All zeros where there is none.
        boxes=lambda example: example["head_bbox"][[example["head_bbox"].any()] * 4],
        coarse=("species", SPECIES),
    ),
)
