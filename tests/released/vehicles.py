"""FGVC-Aircraft, and both releases of Stanford Cars."""

import numpy as np
from PIL import Image

from released.files import annotations, cells, draw, lines, mat

CAR_NAMES = ["AM General Hummer SUV 2000", "Acura RL Sedan 2012"]
BOX_FIELDS = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class")


def fgvc_aircraft(folder, per_class=3):
    """Four variants, with spaces and slashes, in three families of two manufacturers."""
    root = folder / "fgvc-aircraft-2013b" / "data"
    planes = {
        "Boeing 737-200": ("Boeing 737", "Boeing"),
        "Boeing 707-320": ("Boeing 707", "Boeing"),
        "737-300": ("Boeing 737", "Boeing"),
        "F/A-18": ("F/A-18", "McDonnell Douglas"),
    }
    expected = {}
    rows = {}
    boxes = []
    number = 0
    for label, (variant, (family, manufacturer)) in enumerate(planes.items()):
        for split in ("train", "val", "test"):
            for _ in range(per_class):
                number += 1
                key = f"{number:07d}"
                image = draw(root / "images" / f"{key}.jpg", number, size=(40, 50))
                whole = np.asarray(Image.open(image)).copy()
                whole[-20:] = (255, 0, 255)
                Image.fromarray(whole).save(image, quality=95)
                for level, name in (
                    ("variant", variant),
                    ("family", family),
                    ("manufacturer", manufacturer),
                ):
                    rows.setdefault((level, split), []).append(f"{key} {name}")
                boxes.append(f"{key} 1 2 30 25")
                expected[f"images/{key}.jpg"] = (label, "validation" if split == "val" else split)
    for (level, split), names in rows.items():
        lines(root / f"images_{level}_{split}.txt", names)
    lines(root / "images_box.txt", boxes)
    lines(root / "variants.txt", planes)
    lines(root / "families.txt", dict.fromkeys(family for family, _ in planes.values()))
    lines(root / "manufacturers.txt", dict.fromkeys(maker for _, maker in planes.values()))
    return root, expected


def stanford_cars(folder, per_class=4):
    """The release with one folder for each split."""
    expected = {}
    rows = {"train": [], "test": []}
    for split, some in rows.items():
        for place in range(2 * per_class):
            # Classes alternate, so that the order of the files is not that of the classes.
            label = place % 2 + 1
            file = f"{place + 1:05d}.jpg"
            draw(folder / f"cars_{split}" / file, 100 * (split == "test") + place)
            some.append((1, 2, 20, 15, label, file))
            expected[f"cars_{split}/{file}"] = (label - 1, split)
    devkit = folder / "devkit"
    mat(devkit / "cars_meta.mat", class_names=cells(CAR_NAMES).T)
    fields = (*BOX_FIELDS, "fname")
    mat(devkit / "cars_train_annos.mat", annotations=annotations(rows["train"], fields))
    unlabelled = [(*row[:4], row[5]) for row in rows["test"]]
    fields_of_test = (*BOX_FIELDS[:4], "fname")
    mat(devkit / "cars_test_annos.mat", annotations=annotations(unlabelled, fields_of_test))
    mat(
        folder / "cars_test_annos_withlabels.mat",
        annotations=annotations(rows["test"], fields),
    )
    return folder, expected


def stanford_cars_single(folder, per_class=4):
    """The release with one folder of images."""
    expected = {}
    rows = []
    for place in range(4 * per_class):
        label, test = place % 2 + 1, int(place >= 2 * per_class)
        file = f"car_ims/{place + 1:06d}.jpg"
        draw(folder / file, place)
        rows.append((file, 1, 2, 20, 15, label, test))
        expected[file] = (label - 1, "test" if test else "train")
    mat(
        folder / "cars_annos.mat",
        annotations=annotations(rows, ("relative_im_path", *BOX_FIELDS, "test")),
        class_names=cells(CAR_NAMES).T,
    )
    return folder, expected
