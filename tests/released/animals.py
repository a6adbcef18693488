"""Stanford Dogs, Oxford Pets and iNaturalist 2021."""

import numpy as np
from PIL import Image

from released.files import cells, draw, lines, mat


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
