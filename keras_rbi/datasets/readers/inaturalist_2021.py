"""iNaturalist 2021: 10,000 species, by folders that carry their whole classification."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from keras_rbi._lazy import np
from keras_rbi.datasets.dataset_info import DatasetInfo, ReleasedFile
from keras_rbi.datasets.files.records import Records
from keras_rbi.datasets.files.scan_images import IMAGE_SUFFIXES

SUPERCATEGORY = "supercategory"
LEVELS = ("class", "kingdom", "phylum", "order", "family", "genus", SUPERCATEGORY)
# Any of them has the categories; the first is the smallest.
ANNOTATIONS = ("val.json", "train_mini.json", "train.json")
# After the number of the folder; the last piece is the species.
PIECES = ("kingdom", "phylum", "class", "order", "family", "genus")
SUBSETS = {"full": "train", "mini": "train_mini"}


def read(root: Path, coarse: str = "class", subset: str | None = None) -> Records:
    """Reads a folder with `train` or `train_mini`, and `val`, whose images are the test.

    Args:
        root: The folder.
        coarse: The level of the coarse labels, `"kingdom"` to `"genus"`, or `"supercategory"`
            (birds, plants, ...: 11), which only the files of annotations say. Defaults to
            `"class"`.
        subset: `"full"`, the folder `train`, or `"mini"`, `train_mini` with 50 images of each
            species; by default the one that is there, the full one first. Defaults to `None`.

    Returns:
        Records: labels are the numbers of the folders.

    Raises:
        ValueError: If a folder is missing or not as released.
    """
    names = [SUBSETS[subset]] if subset else list(SUBSETS.values())
    training = next((name for name in names if (root / name).is_dir()), None)
    if training is None:
        raise ValueError(f"There is no folder {' or '.join(names)} in {str(root)!r}.")
    folders = sorted(entry.name for entry in os.scandir(root / training) if entry.is_dir())
    categories = [_pieces(folder, number) for number, folder in enumerate(folders)]
    label_of = {folder: label for label, folder in enumerate(folders)}
    files: list[str] = []
    labels: list[int] = []
    splits: list[str] = []
    findings = []
    for name, split in ((training, "train"), ("val", "test")):
        if not (root / name).is_dir():
            findings.append(f"The folder {name}, the test images, is missing.")
            continue
        strange = [
            entry.name
            for entry in os.scandir(root / name)
            if entry.is_dir() and entry.name not in label_of
        ]
        if strange:
            findings.append(f"{name} has {len(strange)} folders that {training} lacks.")
        for folder, label in label_of.items():
            found = _images(root / name / folder)
            files.extend(f"{name}/{folder}/{file}" for file in found)
            labels.extend([label] * len(found))
            splits.extend([split] * len(found))
    annotated = read_annotations(root)
    if annotated is not None:
        findings += _differences(annotated, folders, files)
    lines = _lines(categories, folders, annotated, coarse, root)
    groups = sorted(set(lines))
    group_of = {line: number for number, line in enumerate(groups)}
    group_of_class = np.array([group_of[line] for line in lines], np.int64)
    numbers = np.array(labels, np.int64)
    return Records(
        root,
        files,
        numbers,
        [f"{pieces[5]} {pieces[6]}" for pieces in categories],
        splits,
        group_of_class[numbers],
        [line[-1] for line in groups],
        findings=findings,
    )


def read_annotations(root: Path) -> dict[str, Any] | None:
    """The content of the smallest file of annotations, or None where there is none.

    Raises:
        ValueError: If it is not as released.
    """
    path = next((root / name for name in ANNOTATIONS if (root / name).is_file()), None)
    if path is None:
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
        folders = {
            str(category["image_dir_name"]): str(category[SUPERCATEGORY])
            for category in content["categories"]
        }
        # The test images alone: those of the whole training set fill gigabytes.
        images = content["images"] if path.name == ANNOTATIONS[0] else []
        return {"folders": folders, "files": {str(image["file_name"]) for image in images}}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{str(path)!r} is not as released: {error!r}.") from error


def _differences(annotated: dict[str, Any], folders: list[str], files: list[str]) -> list[str]:
    findings = []
    if strange := set(annotated["folders"]) ^ set(folders):
        findings.append(f"{len(strange)} species are in the annotations or in the folders only.")
    if annotated["files"] and (missing := annotated["files"].difference(files)):
        findings.append(f"{len(missing):,} images of val.json are missing: {min(missing)}, ...")
    return findings


def _lines(
    categories: list[list[str]],
    folders: list[str],
    annotated: dict[str, Any] | None,
    coarse: str,
    root: Path,
) -> list[tuple[str, ...]]:
    """The group of each category.

    Whole lines of descent, since a name may stand for two groups in two branches.
    """
    if coarse != SUPERCATEGORY:
        depth = PIECES.index(coarse) + 1
        return [tuple(pieces[:depth]) for pieces in categories]
    if annotated is None:
        raise ValueError(
            f"coarse='supercategory' needs one of {', '.join(ANNOTATIONS)} in {str(root)!r}. Get "
            "it from the set's page (val.json.tar.gz), or take another level."
        )
    return [(annotated["folders"].get(folder, "unknown"),) for folder in folders]


def _pieces(folder: str, number: int) -> list[str]:
    """The seven pieces of a folder's name after its number."""
    pieces = folder.split("_")
    if len(pieces) != 8 or not pieces[0].isdigit() or int(pieces[0]) != number:
        raise ValueError(
            f"Folder number {number} must be named {number:05d}_Kingdom_Phylum_Class_Order_Family_"
            f"Genus_species. Found: {folder!r}."
        )
    return pieces[1:]


def _images(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(
        entry.name
        for entry in os.scandir(folder)
        if os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES
    )


SITE = "https://ml-inat-competition-datasets.s3.amazonaws.com/2021/"

INFO = DatasetInfo(
    name="inaturalist_2021",
    title="iNaturalist 2021",
    page="https://github.com/visipedia/inat_comp/tree/master/2021",
    read=read,
    markers=(("train",), ("train_mini",)),
    folders=(".",),
    files=(
        ReleasedFile(
            "train_mini.tar.gz",
            url=SITE + "train_mini.tar.gz",
            checksum="md5:db6ed8330e634445efc8fec83ae81442",
            alternative="mini",
        ),
        ReleasedFile(
            "train.tar.gz",
            url=SITE + "train.tar.gz",
            checksum="md5:e0526d53c7f7b2e3167b2b43bb2690ed",
            alternative="full",
        ),
        ReleasedFile(
            "val.tar.gz",
            url=SITE + "val.tar.gz",
            checksum="md5:f6f6e0e242e3d4c9569ba56400938afc",
        ),
    ),
    classes=10000,
    images={"train": 2686843, "test": 100000},
    per_class={"test": (10, 10)},
    coarse=dict.fromkeys(LEVELS) | {SUPERCATEGORY: 11},
    options={"coarse": LEVELS, "subset": tuple(SUBSETS)},
)
