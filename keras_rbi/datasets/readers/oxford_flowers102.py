"""Oxford Flowers-102, whose labels count from 1 in the files and from 0 here."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from keras_rbi._lazy import np
from keras_rbi.datasets.dataset_info import DatasetInfo, ReleasedFile, TfdsLayout
from keras_rbi.datasets.files.records import Records
from keras_rbi.datasets.readers.tables import read_mat

SETS = {"trnid": "train", "valid": "validation", "tstid": "test"}


def read(root: Path) -> Records:
    """Reads a folder with `jpg`, `imagelabels.mat` and `setid.mat`.

    Args:
        root: The folder.

    Returns:
        Records: labels are those of the files less 1. The names, which are not in the files, are
        those of the set's page.

    Raises:
        ValueError: If a file is missing or not as released.
    """
    given = np.atleast_1d(read_mat(root / "imagelabels.mat")["labels"]).astype(np.int64)
    sets = read_mat(root / "setid.mat")
    ids: list[int] = []
    splits: list[str] = []
    for key, split in SETS.items():
        of_split = [int(number) for number in np.atleast_1d(sets[key])]
        ids.extend(of_split)
        splits.extend([split] * len(of_split))
    names = flower_names()
    if min(ids) < 1 or max(ids) > len(given):
        raise ValueError(
            f"setid.mat in {str(root)!r} has images {min(ids)} to {max(ids)}, and there are "
            f"{len(given)} labels."
        )
    labels = given[np.array(ids) - 1] - 1
    if labels.min() < 0 or labels.max() >= len(names):
        raise ValueError(
            f"The labels in {str(root)!r} are {labels.min() + 1} to {labels.max() + 1}. They are 1 "
            f"to {len(names)} in the released file."
        )
    findings = []
    if sorted(ids) != list(range(1, len(given) + 1)):
        findings.append("The three sets of setid.mat are not each image once.")
    return Records(
        root,
        [f"jpg/{file_name(number)}" for number in ids],
        labels,
        names,
        splits,
        findings=findings,
    )


def file_name(number: int) -> str:
    """`image_00001.jpg` of 1."""
    return f"image_{number:05d}.jpg"


def flower_names() -> list[str]:
    """The 102 names, in the order of the labels."""
    text = files("keras_rbi.datasets.readers").joinpath("oxford_flowers102.txt").read_text("utf-8")
    return text.splitlines()


SITE = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"

INFO = DatasetInfo(
    name="oxford_flowers102",
    title="Oxford Flowers 102",
    page=SITE,
    read=read,
    markers=(("jpg", "imagelabels.mat", "setid.mat"),),
    folders=(".",),
    files=(
        ReleasedFile(
            "102flowers.tgz",
            url=SITE + "102flowers.tgz",
            checksum="sha256:2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246",
            size=344862509,
        ),
        ReleasedFile(
            "imagelabels.mat",
            url=SITE + "imagelabels.mat",
            checksum="sha256:4903e94206bac23bf772aadf06451916df56b58fc483a62db32a97b82656651d",
            size=502,
        ),
        ReleasedFile(
            "setid.mat",
            url=SITE + "setid.mat",
            checksum="sha256:46b8678f91fd95d3c8f4feab80d271a6c834a1dd896fe29fd3e6ad9ce5c8dccd",
            size=14989,
        ),
    ),
    classes=102,
    images={"train": 1020, "validation": 1020, "test": 6149},
    # The set's page has 40 to 258 images a class; 20 of each are in the other two.
    per_class={"train": (10, 10), "validation": (10, 10), "test": (20, 238)},
    tfds="oxford_flowers102",
    tfds_layout=TfdsLayout(file="file_name", folder="jpg/", class_names=flower_names),
)
