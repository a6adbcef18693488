"""NABirds: 555 kinds of birds, the leaves of a tree of 1,011 nodes."""

from __future__ import annotations

from pathlib import Path

from keras_rbi._lazy import np
from keras_rbi.datasets.dataset_info import DatasetInfo, ReleasedFile
from keras_rbi.datasets.files.records import Records
from keras_rbi.datasets.readers.tables import (
    boxes_and_parts,
    read_integers,
    read_pairs,
)

ROOT_NODE = 0
LEVELS = ("order", "parent", "species")


def read(root: Path, coarse: str = "order") -> Records:
    """Reads the folder `nabirds`.

    Args:
        root: The folder, with `images.txt`.
        coarse: The coarse labels: `"order"`, the branches at the root (22); `"parent"`, the node
            above each leaf; or `"species"`, names without the sex, age or morph in parentheses
            (404). Defaults to `"order"`.

    Returns:
        Records: labels number the class ids of the images in ascending order.

    Raises:
        ValueError: If a file is missing or not as released.
    """
    images = read_pairs(root / "images.txt")
    names = {int(key): name for key, name in read_pairs(root / "classes.txt").items()}
    class_of = read_integers(root / "image_class_labels.txt")
    training = read_integers(root / "train_test_split.txt")
    parent = {int(child): above for child, above in read_integers(root / "hierarchy.txt").items()}
    ids = [key for key in images if key in class_of and key in training]
    # Numbers, not strings: "1000" stands before "295".
    classes = sorted({class_of[key] for key in ids})
    findings = _findings(images, class_of, ids, classes, names, parent)
    label_of = {node: label for label, node in enumerate(classes)}
    labels = np.array([label_of[class_of[key]] for key in ids], np.int64)
    group_of_class, coarse_names = _groups(classes, names, parent, coarse)
    boxes, parts, part_names, notes = boxes_and_parts(root, ids, 0)
    return Records(
        root,
        ["images/" + images[key].removeprefix("images/") for key in ids],
        labels,
        [names.get(node, str(node)) for node in classes],
        ["train" if training[key] == 1 else "test" for key in ids],
        group_of_class[labels],
        coarse_names,
        boxes,
        parts,
        part_names,
        findings=findings,
        notes=notes,
    )


def _findings(
    images: dict[str, str],
    class_of: dict[str, int],
    ids: list[str],
    classes: list[int],
    names: dict[int, str],
    parent: dict[int, int],
) -> list[str]:
    findings = []
    if len(ids) < len(images):
        findings.append(f"{len(images) - len(ids)} images have no class or no split.")
    # Inner nodes have ids among those of the leaves, so the ids say nothing.
    leaves = {node for node in parent if node not in set(parent.values())}
    if set(classes) != leaves:
        findings.append(
            f"The images have {len(classes)} classes, the hierarchy {len(leaves)} leaves; "
            f"{len(set(classes) ^ leaves)} are of one of them only."
        )
    nameless = [node for node in classes if node not in names]
    if nameless:
        findings.append(f"classes.txt has no name for {nameless}.")
    misplaced = sum(_folder(images[key]) != class_of[key] for key in ids)
    if misplaced:
        findings.append(f"{misplaced} images lie in the folder of another class than theirs.")
    return findings


def _folder(file: str) -> int | None:
    name = file.removeprefix("images/").split("/")[0]
    return int(name) if name.isdigit() else None


def _groups(
    classes: list[int], names: dict[int, str], parent: dict[int, int], coarse: str
) -> tuple[np.ndarray, list[str]]:
    """Group of each class, and the names of the groups."""
    if coarse == "species":
        species = [names.get(node, str(node)).split(" (")[0] for node in classes]
        order = list(dict.fromkeys(species))
        return np.array([order.index(name) for name in species], np.int64), order
    above = {node: _above(node, parent, coarse) for node in classes}
    # Nodes, not names: a leaf and the node above it may have the same name.
    groups = sorted(set(above.values()))
    numbers = np.array([groups.index(above[node]) for node in classes], np.int64)
    return numbers, [names.get(node, str(node)) for node in groups]


def _above(node: int, parent: dict[int, int], coarse: str) -> int:
    if coarse == "parent":
        return parent.get(node, ROOT_NODE)
    seen = {node}
    while (above := parent.get(node, ROOT_NODE)) != ROOT_NODE:
        if above in seen:
            raise ValueError(f"hierarchy.txt goes round in a circle at node {above}.")
        seen.add(above)
        node = above
    return node


INFO = DatasetInfo(
    name="nabirds",
    title="NABirds",
    page="https://dl.allaboutbirds.org/nabirds",
    read=read,
    markers=(("images.txt", "hierarchy.txt", "image_class_labels.txt", "images"),),
    folders=("nabirds",),
    # Had by a form on the page.
    files=(ReleasedFile("nabirds.tar.gz", checksum="md5:df21a9e4db349a14e2b08adfd45873bd"),),
    classes=555,
    images={"train": 23929, "test": 24633},
    coarse={"order": 22, "parent": None, "species": 404},
    options={"coarse": LEVELS},
)
