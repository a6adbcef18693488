"""iNaturalist's files of annotations, where they are beside the folders."""

import dataclasses
import json

import pytest
import released

from keras_rbi.datasets.catalogue import DATASETS
from keras_rbi.datasets.files.checks import check
from keras_rbi.datasets.readers import inaturalist_2021

KINDS = {"Animalia_Annelida": "Animals", "Animalia_Mollusca": "Mollusks", "Plantae": "Plants"}


def annotate(root, expected, name="val.json"):
    """Writes annotations as released, of the files that are there."""
    folders = sorted({file.split("/")[1] for file in expected})
    categories = [
        {
            "id": number,
            "name": " ".join(folder.split("_")[-2:]),
            "image_dir_name": folder,
            "supercategory": next(kind for start, kind in KINDS.items() if start in folder),
        }
        for number, folder in enumerate(folders)
    ]
    files = [file for file in expected if file.startswith("val/")]
    images = [{"id": number, "file_name": file} for number, file in enumerate(files)]
    annotations = [
        {"id": number, "image_id": number, "category_id": expected[file][0]}
        for number, file in enumerate(files)
    ]
    content = {"categories": categories, "images": images, "annotations": annotations}
    (root / name).write_text(json.dumps(content))


def test_supercategories_are_coarse_labels(tmp_path):
    root, expected = released.inaturalist_2021(tmp_path)
    annotate(root, expected)
    records = inaturalist_2021.read(root, "supercategory")
    assert records.findings == []
    assert records.coarse_names == ["Animals", "Mollusks", "Plants"]
    assert dict(zip(records.labels, records.coarse_labels, strict=True)) == {0: 0, 1: 1, 2: 1, 3: 2}


def test_they_are_in_any_of_the_files(tmp_path):
    root, expected = released.inaturalist_2021(tmp_path)
    annotate(root, expected, "train_mini.json")
    assert len(inaturalist_2021.read(root, "supercategory").coarse_names) == 3


def test_without_annotations_the_folders_say_the_rest(tmp_path):
    root, _ = released.inaturalist_2021(tmp_path)
    assert len(inaturalist_2021.read(root, "genus").coarse_names) == 3
    with pytest.raises(ValueError, match=r"supercategory.*val.json"):
        inaturalist_2021.read(root, "supercategory")


def test_missing_images_and_species_are_told(tmp_path):
    root, expected = released.inaturalist_2021(tmp_path)
    annotate(root, expected)
    file = next(file for file in expected if file.startswith("val/"))
    (root / file).unlink()
    (told,) = inaturalist_2021.read(root).findings
    assert f"1 images of val.json are missing: {file}" in told
    content = json.loads((root / "val.json").read_text())
    del content["categories"][0]
    (root / "val.json").write_text(json.dumps(content))
    assert "1 species are in the annotations" in inaturalist_2021.read(root).findings[0]


def test_broken_annotations_are_named(tmp_path):
    root, _ = released.inaturalist_2021(tmp_path)
    (root / "val.json").write_text("[]")
    with pytest.raises(ValueError, match=r"val.json' is not as released"):
        inaturalist_2021.read(root)


def test_the_mini_set_has_as_many_images_of_each_species(tmp_path):
    root, expected = released.inaturalist_2021(tmp_path, per_class=50)
    info = dataclasses.replace(
        DATASETS["inaturalist_2021"], classes=4, images={"train": 9, "test": 8}, per_class={}
    )
    assert check(inaturalist_2021.read(root), info).problems == []
    files = [file for file in expected if file.startswith("train")]
    folder = files[0].rsplit("/", 1)[0]
    (root / files[-1]).rename(root / folder / "moved.jpg")
    told = check(inaturalist_2021.read(root), info).problems
    assert told == ["49 to 51 train images a class instead of 50."]
