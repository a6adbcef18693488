"""FGVC-Aircraft 2013b: 100 variants in 70 families of 30 manufacturers."""

from __future__ import annotations

from pathlib import Path

from keras_rbi._lazy import np
from keras_rbi.datasets.dataset_info import DatasetInfo, ReleasedFile
from keras_rbi.datasets.files.records import Records, one_row_each
from keras_rbi.datasets.readers.tables import read_lines, read_numbers, read_pairs, rows_of

LEVELS = ("family", "manufacturer")
FILES = {"variant": "variants.txt", "family": "families.txt", "manufacturer": "manufacturers.txt"}
SPLIT_NAMES = {"train": "train", "val": "validation", "test": "test"}
# Each photograph has a banner at the bottom that names its author.
BANNER = 20


def read(root: Path, coarse: str = "family") -> Records:
    """Reads the folder `data` of the release.

    Args:
        root: The folder, with `variants.txt`.
        coarse: The coarse labels, `"family"` or `"manufacturer"`. Defaults to `"family"`.

    Returns:
        Records: labels are in the order of `variants.txt`; the banners are cut off.

    Raises:
        ValueError: If a file is missing or not as released.
    """
    of_image: dict[str, dict[str, str]] = {"variant": {}, coarse: {}}
    splits: dict[str, str] = {}
    for name, split in SPLIT_NAMES.items():
        for level, known in of_image.items():
            known.update(read_pairs(root / f"images_{level}_{name}.txt"))
        splits.update(dict.fromkeys(read_pairs(root / f"images_variant_{name}.txt"), split))
    ids = list(splits)
    boxes = rows_of(ids, read_numbers(root / "images_box.txt", 4), 4)
    # The first pixel is number 1 there, and the last belongs to the box.
    boxes -= np.array([1, 1, 0, 0], np.float32)
    findings: list[str] = []
    labels, class_names = _labels(root, "variant", ids, of_image["variant"], findings)
    coarse_labels, coarse_names = _labels(root, coarse, ids, of_image[coarse], findings)
    return Records(
        root,
        [f"images/{key}.jpg" for key in ids],
        labels,
        class_names,
        [splits[key] for key in ids],
        coarse_labels,
        coarse_names,
        one_row_each(boxes),
        cut_bottom=BANNER,
        findings=findings,
    )


def _labels(
    root: Path, level: str, ids: list[str], name_of: dict[str, str], findings: list[str]
) -> tuple[np.ndarray, list[str]]:
    order = [line.strip() for line in read_lines(root / FILES[level])]
    used = {name_of.get(key, "") for key in ids}
    if unknown := sorted(used - set(order)):
        findings.append(f"{FILES[level]} lacks {', '.join(map(repr, unknown))}.")
        order += unknown
    label_of = {name: label for label, name in enumerate(order)}
    return np.array([label_of[name_of.get(key, "")] for key in ids], np.int64), order


SITE = "https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/"

INFO = DatasetInfo(
    name="fgvc_aircraft",
    title="FGVC-Aircraft 2013b",
    page=SITE,
    read=read,
    markers=(("variants.txt", "images_variant_train.txt", "images_variant_test.txt", "images"),),
    folders=("fgvc-aircraft-2013b/data", "data"),
    files=(
        ReleasedFile(
            "fgvc-aircraft-2013b.tar.gz",
            url=SITE + "archives/fgvc-aircraft-2013b.tar.gz",
            checksum="md5:d4acdd33327262359767eeaa97a4f732",
        ),
    ),
    classes=100,
    images={"train": 3334, "validation": 3333, "test": 3333},
    per_class={"train": (33, 34), "validation": (33, 34), "test": (33, 34)},
    coarse={"family": 70, "manufacturer": 30},
    options={"coarse": LEVELS},
)
