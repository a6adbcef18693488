"""Tiny ImageNet and Oxford Flowers."""

import numpy as np

from released.files import draw, lines, mat


def tiny_imagenet_200(folder, per_class=4):
    """Three classes in an order of wnids.txt that is not sorted; two are called `crane`."""
    root = folder / "tiny-imagenet-200"
    wnids = ["n02124075", "n01443537", "n03126707"]
    words = {
        "n00001740": "entity",
        "n01443537": "crane, bird",
        "n02124075": "Egyptian cat",
        "n03126707": "crane",
    }
    lines(root / "wnids.txt", wnids)
    lines(root / "words.txt", [f"{wnid}\t{names}" for wnid, names in words.items()])
    expected = {}
    number = 0
    validation = []
    for wnid in wnids:
        label = sorted(wnids).index(wnid)
        rows = []
        for place in range(per_class):
            number += 1
            file = f"{wnid}_{place}.JPEG"
            draw(root / "train" / wnid / "images" / file, number)
            rows.append(f"{file}\t0\t1\t20\t{number}")
            expected[f"train/{wnid}/images/{file}"] = (label, "train")
        lines(root / "train" / wnid / f"{wnid}_boxes.txt", rows)
        number += 1
        file = f"val_{number}.JPEG"
        draw(root / "val" / "images" / file, number)
        validation.append(f"{file}\t{wnid}\t1\t2\t21\t17")
        expected[f"val/images/{file}"] = (label, "test")
    draw(root / "test" / "images" / "test_0.JPEG", 999)
    lines(root / "val" / "val_annotations.txt", validation)
    return root, expected


def oxford_flowers102(folder):
    """Images of the flowers 1, 2 and 102; sets in an order that is not that of the numbers."""
    labels = [102, 1, 2] * 4
    expected = {}
    sets = {"trnid": [4, 1, 2, 3, 6, 5], "valid": [9, 8, 7], "tstid": [10, 12, 11]}
    names = {"trnid": "train", "valid": "validation", "tstid": "test"}
    for key, numbers in sets.items():
        for number in numbers:
            file = f"jpg/image_{number:05d}.jpg"
            draw(folder / file, number)
            expected[file] = (labels[number - 1] - 1, names[key])
    mat(folder / "imagelabels.mat", labels=np.array(labels, np.uint8)[None])
    mat(folder / "setid.mat", **{key: np.array(ids, np.uint16)[None] for key, ids in sets.items()})
    return folder, expected
