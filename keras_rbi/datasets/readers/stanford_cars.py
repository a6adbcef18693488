"""Stanford Cars: 196 models of cars, in the two releases whose image numbers differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from keras_rbi._lazy import np
from keras_rbi.datasets.dataset_info import DatasetInfo, ReleasedFile
from keras_rbi.datasets.files.records import Records, one_row_each
from keras_rbi.datasets.readers.tables import read_mat

BOX = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2")


def read(root: Path) -> Records:
    """Reads either release, whichever has its images in the folder.

    Args:
        root: A folder with `cars_train`, `cars_test` and `devkit`, or with `car_ims` and
            `cars_annos.mat`.

    Returns:
        Records: labels are the class numbers less 1.

    Raises:
        ValueError: If a file is missing or not as released.
    """
    if (root / "cars_train").is_dir():
        return _read_split(root)
    return _read_single(root)


def _read_split(root: Path) -> Records:
    names = [str(name) for name in read_mat(root / "devkit" / "cars_meta.mat")["class_names"]]
    rows = []
    findings = []
    tests = [
        folder / "cars_test_annos_withlabels.mat"
        for folder in (root, root / "devkit")
        if (folder / "cars_test_annos_withlabels.mat").is_file()
    ]
    sources = [("train", root / "devkit" / "cars_train_annos.mat")]
    if tests:
        sources.append(("test", tests[0]))
    else:
        findings.append(
            "The test images have no labels: cars_test_annos_withlabels.mat is missing."
        )
    for split, path in sources:
        folder = f"cars_{split}"
        # Copies of the archive often have the folder twice.
        inner = f"{folder}/{folder}" if (root / folder / folder).is_dir() else folder
        for entry in np.atleast_1d(read_mat(path)["annotations"]):
            rows.append((f"{inner}/{entry['fname']}", entry, split))
    return _records(root, rows, names, findings)


def _read_single(root: Path) -> Records:
    content = read_mat(root / "cars_annos.mat")
    names = [str(name) for name in content["class_names"]]
    rows = [
        (str(entry["relative_im_path"]), entry, "test" if int(entry["test"]) else "train")
        for entry in np.atleast_1d(content["annotations"])
    ]
    return _records(root, rows, names, [])


def _records(
    root: Path, rows: list[tuple[str, Any, str]], names: list[str], findings: list[str]
) -> Records:
    labels = np.array([int(entry["class"]) - 1 for _, entry, _ in rows], np.int64)
    if labels.min() < 0 or labels.max() >= len(names):
        raise ValueError(
            f"The class numbers in {str(root)!r} are {labels.min() + 1} to {labels.max() + 1}, and "
            f"there are {len(names)} class names."
        )
    boxes = np.array([[float(entry[side]) for side in BOX] for _, entry, _ in rows], np.float32)
    return Records(
        root,
        [file for file, _, _ in rows],
        labels,
        names,
        [split for _, _, split in rows],
        boxes=one_row_each(boxes),
        findings=findings,
    )


INFO = DatasetInfo(
    name="stanford_cars",
    title="Stanford Cars",
    page="https://ai.stanford.edu/~jkrause/cars/car_dataset.html",
    read=read,
    markers=(("cars_train", "cars_test", "devkit/cars_meta.mat"), ("car_ims", "cars_annos.mat")),
    folders=(".",),
    # The addresses they had are dead.
    files=(
        ReleasedFile("cars_train.tgz", alternative="split"),
        ReleasedFile("cars_test.tgz", alternative="split"),
        ReleasedFile("car_devkit.tgz", alternative="split"),
        ReleasedFile("cars_test_annos_withlabels.mat", alternative="split"),
        ReleasedFile("car_ims.tgz", alternative="single"),
        ReleasedFile("cars_annos.mat", alternative="single"),
    ),
    classes=196,
    images={"train": 8144, "test": 8041},
    per_class={"train": (24, 68)},
)
