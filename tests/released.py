"""Small trees in the layouts of the released data sets, with generated images."""

import numpy as np
from PIL import Image
from scipy.io import savemat


def draw(path, number, size=(24, 18)):
    """An image whose colours tell its number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(number)
    pixels = np.empty((size[1], size[0], 3), np.uint8)
    pixels[:] = rng.integers(0, 256, 3)
    pixels[4:8, 4:8] = rng.integers(0, 256, 3)
    Image.fromarray(pixels).save(path, quality=95)
    return path


def lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in rows), "utf-8")


def mat(path, **variables):
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, variables)


def cells(names):
    """A MATLAB cell array of strings."""
    array = np.empty((len(names), 1), object)
    array[:, 0] = names
    return array


def cub_200_2011(folder, per_class=6):
    """Three birds; ids run against the order of the files, every third image is for the test."""
    root = folder / "CUB_200_2011"
    classes = ["001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Sooty_Albatross"]
    expected = {}
    images, labels, splits, boxes, parts = [], [], [], [], []
    number = 0
    for class_id, name in enumerate(classes, 1):
        # The case differs between folder and file.
        stem = name[4:].title()
        for place in reversed(range(per_class)):
            number += 1
            file = f"{name}/{stem}_{place:04d}_{number}.jpg"
            draw(root / "images" / file, number)
            training = int(number % 3 != 0)
            images.append(f"{number} {file}")
            labels.append(f"{number} {class_id}")
            splits.append(f"{number} {training}")
            boxes.append(f"{number} 2.0 3.0 10.0 {number % 10 + 1}.0")
            parts.append(f"{number} 1 4.0 5.0 1")
            parts.append(f"{number} 2 0.0 0.0 0")
            expected[f"images/{file}"] = (class_id - 1, "train" if training else "test")
    lines(root / "images.txt", images)
    lines(root / "classes.txt", [f"{i} {name}" for i, name in enumerate(classes, 1)])
    lines(root / "image_class_labels.txt", labels)
    lines(root / "train_test_split.txt", splits)
    lines(root / "bounding_boxes.txt", boxes)
    lines(root / "parts" / "parts.txt", ["1 back", "2 left leg"])
    lines(root / "parts" / "part_locs.txt", parts)
    lines(root / "attributes" / "image_attribute_labels.txt", ["1 1 0 3 27.7 0 0"])
    lines(folder / "attributes.txt", ["1 has_bill_shape::curved"])
    return root, expected


def stanford_dogs(folder, per_class=5, more_breeds=0):
    """Three breeds, one with hyphens and one whose first image is a PNG called .jpg.

    `more_breeds` of other dogs follow.
    """
    breeds = [
        "n02085620-Chihuahua",
        "n02098105-soft-coated_wheaten_terrier",
        "n02105855-Shetland_sheepdog",
        *(f"n03{number:06d}-Dog_{number}" for number in range(more_breeds)),
    ]
    lists = {"train": ([], []), "test": ([], [])}
    expected = {}
    number = 100
    for label, breed in enumerate(breeds, 1):
        for place in range(per_class):
            number += 1
            file = f"{breed}/{breed.split('-')[0]}_{number}.jpg"
            image = draw(folder / "Images" / file, number)
            if breed.endswith("sheepdog") and place == 0:
                Image.open(image).convert("RGBA").save(image, "PNG")
            split = "train" if place < 3 else "test"
            lists[split][0].append(file)
            lists[split][1].append(label)
            expected[f"Images/{file}"] = (label - 1, split)
            boxes = "".join(
                f"<object><name>{breed}</name><bndbox><xmin>{left}</xmin><ymin>2</ymin>"
                "<xmax>12</xmax><ymax>15</ymax></bndbox></object>"
                for left in range(1, 2 + place % 2)
            )
            lines(
                folder / "Annotation" / file.removesuffix(".jpg"),
                [
                    f"<annotation><size><width>24</width><height>18</height></size>{boxes}"
                    "</annotation>"
                ],
            )
    for split, (files, labels) in lists.items():
        mat(
            folder / f"{split}_list.mat",
            file_list=cells(files),
            annotation_list=cells([file.removesuffix(".jpg") for file in files]),
            labels=np.array(labels, np.uint8)[:, None],
        )
    every = [file for files, _ in lists.values() for file in files]
    mat(folder / "file_list.mat", file_list=cells(every))
    return folder, expected


def nabirds(folder, per_leaf=5):
    """Five leaves: 295 and 1000, whose order as strings is another, and one called as its parent.

    Node 400 is an inner node with an id among those of the leaves.
    """
    root = folder / "nabirds"
    parents = {1: 0, 2: 0, 400: 1, 295: 400, 296: 400, 1000: 1, 700: 2, 999: 700, 701: 2}
    names = {
        0: "Birds",
        1: "Ducks, Geese, and Swans",
        2: "Owls",
        400: "Mallard",
        295: "Mallard (Breeding male)",
        296: "Mallard (Female/Eclipse male)",
        1000: "Snow Goose",
        700: "Barn Owl",
        999: "Barn Owl",
        701: "Barred Owl",
    }
    leaves = [1000, 295, 999, 296, 701]
    expected = {}
    images, labels, splits, boxes, parts = [], [], [], [], []
    number = 0
    for node in leaves:
        for place in range(per_leaf):
            number += 1
            key = f"{number:08x}-58d3-4bd8-8d3e-{number:012x}"
            file = f"{node:04d}/{number:032x}.jpg"
            draw(root / "images" / file, number)
            training = int(place < 3)
            images.append(f"{key} {file}")
            labels.append(f"{key} {node}")
            splits.append(f"{key} {training}")
            boxes.append(f"{key} 1 2 10 {number}")
            parts.append(f"{key} 0 3 4 1")
            expected[f"images/{file}"] = (
                sorted(leaves).index(node),
                "train" if training else "test",
            )
    lines(root / "images.txt", images)
    lines(root / "classes.txt", [f"{node} {name}" for node, name in names.items()])
    lines(root / "hierarchy.txt", [f"{child} {above}" for child, above in parents.items()])
    lines(root / "image_class_labels.txt", labels)
    lines(root / "train_test_split.txt", splits)
    lines(root / "bounding_boxes.txt", boxes)
    lines(root / "parts" / "parts.txt", ["0 bill", "1 crown"])
    lines(root / "parts" / "part_locs.txt", parts)
    return root, expected


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


CAR_NAMES = ["AM General Hummer SUV 2000", "Acura RL Sedan 2012"]


def annotations(rows, fields):
    """A MATLAB struct array."""
    array = np.empty((1, len(rows)), [(name, object) for name in fields])
    for place, row in enumerate(rows):
        for name, value in zip(fields, row, strict=True):
            array[0, place][name] = value
    return array


BOX_FIELDS = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class")


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


def oxford_pets(folder, per_class=5):
    """Three breeds in an order that ignores case: cats are capitalised, dogs are not."""
    breeds = {"Abyssinian": 1, "american_bulldog": 2, "Egyptian_Mau": 1}
    expected = {}
    rows = {"trainval": [], "test": []}
    number = 0
    for class_id, (breed, species) in enumerate(breeds.items(), 1):
        for place in range(per_class):
            number += 1
            name = f"{breed}_{place + 20}"
            draw(folder / "images" / f"{name}.jpg", number)
            split = "trainval" if place < 3 else "test"
            rows[split].append(f"{name} {class_id} {species} {class_id}")
            mask = Image.new("L", (24, 18), 1)
            path = folder / "annotations" / "trimaps" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            mask.save(path)
            if place == 0:
                lines(
                    folder / "annotations" / "xmls" / f"{name}.xml",
                    [
                        "<annotation><size><width>24</width><height>18</height></size><object>"
                        "<bndbox><xmin>3</xmin><ymin>4</ymin><xmax>9</xmax><ymax>8</ymax></bndbox>"
                        "</object></annotation>"
                    ],
                )
            expected[f"images/{name}.jpg"] = (
                class_id - 1,
                "train" if split == "trainval" else "test",
            )
    lines(folder / "annotations" / "trainval.txt", rows["trainval"])
    lines(folder / "annotations" / "test.txt", rows["test"])
    lines(folder / "annotations" / "list.txt", ["#Image CLASS-ID SPECIES BREED ID"])
    return folder, expected


def inaturalist_2021(folder, per_class=4, training="train_mini"):
    """Four species; `Ficus` is a genus of plants and one of snails."""
    species = [
        "Animalia_Annelida_Clitellata_Haplotaxida_Lumbricidae_Lumbricus_terrestris",
        "Animalia_Mollusca_Gastropoda_Littorinimorpha_Ficidae_Ficus_variegata",
        "Animalia_Mollusca_Gastropoda_Littorinimorpha_Ficidae_Ficus_ficus",
        "Plantae_Tracheophyta_Magnoliopsida_Rosales_Moraceae_Ficus_carica",
    ]
    expected = {}
    number = 0
    for label, name in enumerate(species):
        for split, count in ((training, per_class), ("val", 2)):
            for _ in range(count):
                number += 1
                file = f"{split}/{label:05d}_{name}/{number:08x}.jpg"
                draw(folder / file, number)
                expected[file] = (label, "test" if split == "val" else "train")
    return folder, expected


RELEASED = {
    "cub_200_2011": cub_200_2011,
    "stanford_dogs": stanford_dogs,
    "nabirds": nabirds,
    "tiny_imagenet_200": tiny_imagenet_200,
    "fgvc_aircraft": fgvc_aircraft,
    "stanford_cars": stanford_cars,
    "oxford_flowers102": oxford_flowers102,
    "oxford_pets": oxford_pets,
    "inaturalist_2021": inaturalist_2021,
}
