"""CUB-200-2011: 200 species of birds with boxes and 15 parts."""

from __future__ import annotations

from pathlib import Path

from keras_rbi._lazy import np
from keras_rbi.datasets.dataset_info import DatasetInfo, ReleasedFile, TfdsLayout
from keras_rbi.datasets.files.records import Records
from keras_rbi.datasets.readers.tables import (
    boxes_and_parts,
    read_integers,
    read_pairs,
)


def read(root: Path) -> Records:
    """Reads the folder `CUB_200_2011`.

    Args:
        root: The folder, with `images.txt`.

    Returns:
        Records: labels are the class ids less 1, which is the order of the folders.

    Raises:
        ValueError: If a file is missing or not as released.
    """
    images = read_pairs(root / "images.txt")
    classes = read_pairs(root / "classes.txt")
    class_of = read_integers(root / "image_class_labels.txt")
    training = read_integers(root / "train_test_split.txt")
    ids = [key for key in images if key in class_of and key in training]
    findings = []
    if len(ids) < len(images):
        findings.append(f"{len(images) - len(ids)} images of images.txt have no class or no split.")
    order = sorted(classes, key=int)
    if [int(key) for key in order] != list(range(1, len(order) + 1)):
        findings.append("The class ids of classes.txt are not 1, 2, 3, ...")
    if [classes[key] for key in order] != sorted(classes.values()):
        findings.append("The classes of classes.txt are not in the order of their folders.")
    label_of = {int(key): label for label, key in enumerate(order)}
    strange = {key for key in ids if class_of[key] not in label_of}
    if strange:
        findings.append(f"{len(strange)} images have a class that classes.txt lacks.")
        ids = [key for key in ids if key not in strange]
    labels = np.array([label_of[class_of[key]] for key in ids], np.int64)
    misplaced = sum(images[key].split("/")[0] != classes[str(class_of[key])] for key in ids)
    if misplaced:
        findings.append(f"{misplaced} images lie in the folder of another class than theirs.")
    boxes, parts, part_names, notes = boxes_and_parts(root, ids, 1)
    return Records(
        root,
        ["images/" + images[key] for key in ids],
        labels,
        [class_name(classes[key]) for key in order],
        ["train" if training[key] == 1 else "test" for key in ids],
        boxes=boxes,
        parts=parts,
        part_names=part_names,
        findings=findings,
        notes=notes,
    )


def class_name(folder: str) -> str:
    """`Black footed Albatross` of the folder `001.Black_footed_Albatross`."""
    return folder.split(".", 1)[-1].replace("_", " ")


INFO = DatasetInfo(
    name="cub_200_2011",
    title="Caltech-UCSD Birds 200-2011",
    page="https://www.vision.caltech.edu/datasets/cub_200_2011/",
    read=read,
    markers=(("images.txt", "image_class_labels.txt", "train_test_split.txt", "images"),),
    folders=("CUB_200_2011",),
    files=(
        ReleasedFile(
            "CUB_200_2011.tgz",
            url="https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz?download=1",
            checksum="sha256:0c685df5597a8b24909f6a7c9db6d11e008733779a671760afef78feb49bf081",
            size=1150585339,
        ),
    ),
    classes=200,
    images={"train": 5994, "test": 5794},
    per_class={"train": (29, 30), "test": (11, 30)},
    tfds="caltech_birds2011",
    tfds_layout=TfdsLayout(
        file="image/filename",
        folder="images/",
        class_name=lambda file: class_name(file.split("/")[1]),
        boxes=lambda example: example["bbox"],
    ),
)
