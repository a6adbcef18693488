"""Exports of Label Studio and iNaturalist, made after their documentation."""

import csv
import json

import pytest
import released

from keras_rbi.datasets import DatasetWarning, ImageFolder, load
from keras_rbi.datasets.files import label_studio
from keras_rbi.datasets.files.labels_file import read_labels_file
from keras_rbi.datasets.files.tables import Columns


def described(records):
    return {
        file: records.class_names[label]
        for file, label in zip(records.files, records.labels.tolist(), strict=True)
    }


def written(path, rows):
    if path.suffix == ".json":
        path.write_text(json.dumps(rows), "utf-8")
        return path
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


SPECIES = ["Anna's hummingbird", "wren", "wren"]
# An uploaded file, one of a folder of the server, one of a bucket.
ADDRESSES = [
    "/data/upload/1/0a1b2c3d-a_bird.jpg",
    "/data/local-files/?d=birds/two%20birds.jpg",
    "s3://bucket/deep/folder/three.jpg",
]
EXPECTED = {
    "0a1b2c3d-a_bird.jpg": SPECIES[0],
    "birds/two birds.jpg": "wren",
    "folder/three.jpg": "wren",
}


@pytest.fixture
def photos(tmp_path):
    for number, file in enumerate(EXPECTED):
        released.draw(tmp_path / file, number)
    return tmp_path


def task(number, address, *choices, **annotation):
    results = [
        {
            "value": {"choices": [choice]},
            "id": f"r{number}",
            "from_name": "choice",
            "to_name": "image",
            "type": "choices",
            "origin": "manual",
        }
        for choice in choices
    ]
    annotations = [{"id": number, "was_cancelled": False, "result": results} | annotation]
    return {
        "id": number,
        "annotations": annotations if choices else [],
        "predictions": [],
        "data": {"image": address},
        "meta": {},
        "project": 1,
    }


def flat(number, address, choice):
    return {
        "image": address,
        "id": number,
        "choice": choice,
        "annotator": 1,
        "annotation_id": number,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "lead_time": 3.5,
    }


def tasks():
    return [
        task(n, address, species)
        for n, (address, species) in enumerate(zip(ADDRESSES, SPECIES, strict=True), 1)
    ]


def flats():
    return [
        flat(n, address, species)
        for n, (address, species) in enumerate(zip(ADDRESSES, SPECIES, strict=True), 1)
    ]


@pytest.mark.parametrize(
    ("name", "rows"), [("tasks.json", tasks()), ("min.json", flats()), ("export.csv", flats())]
)
def test_label_studios_exports(photos, name, rows):
    assert described(read_labels_file(written(photos / name, rows))) == EXPECTED
    with pytest.warns(DatasetWarning, match="one or two images"):
        assert len(load(photos / name, image_size=8)) == 3


def test_an_uploaded_file_is_found_by_the_name_it_had(photos):
    (photos / "0a1b2c3d-a_bird.jpg").rename(photos / "a_bird.jpg")
    found = described(read_labels_file(written(photos / "tasks.json", tasks())))
    assert found["a_bird.jpg"] == SPECIES[0]


def test_tasks_without_annotations_and_cancelled_ones_are_left_out_and_told(photos):
    skipped = task(8, "/data/upload/1/four.jpg", "wren", was_cancelled=True)
    rows = [*tasks(), task(9, "/data/upload/1/five.jpg"), skipped]
    records = read_labels_file(written(photos / "tasks.json", rows))
    assert described(records) == EXPECTED
    assert records.notes == ["2 tasks of tasks.json without an annotation are left out."]


def test_annotators_who_agree_count_once_and_the_ground_truth_alone(photos):
    rows = tasks()
    rows[1]["annotations"] *= 2
    assert described(read_labels_file(written(photos / "a.json", rows))) == EXPECTED
    rows[1]["annotations"] = [
        *task(2, ADDRESSES[1], "owl")["annotations"],
        *task(2, ADDRESSES[1], "wren", ground_truth=True)["annotations"],
    ]
    assert described(read_labels_file(written(photos / "a.json", rows))) == EXPECTED
    rows[1]["annotations"][1]["ground_truth"] = False
    with pytest.raises(ValueError, match=r"1 files have several labels.*two birds.jpg: owl, wren"):
        read_labels_file(written(photos / "a.json", rows))


@pytest.mark.parametrize("name", ["tasks.json", "min.json", "export.csv"])
def test_several_choices_of_a_task_are_refused(photos, name):
    rows = tasks() if name == "tasks.json" else flats()
    if name == "tasks.json":
        rows[0] = task(1, ADDRESSES[0], "wren", "owl")
    elif name == "min.json":
        rows[0]["choice"] = {"choices": ["wren", "owl"]}
    else:
        rows[0]["choice"] = json.dumps({"choices": ["wren", "owl"]})
    with pytest.raises(ValueError, match=r"Task 1 .*the classes 'wren', 'owl'.*exactly one"):
        read_labels_file(written(photos / name, rows))


def test_of_several_controls_one_is_named(photos):
    rows = tasks()
    for one in rows:
        one["data"]["place"] = "garden"
        other = json.loads(json.dumps(one["annotations"][0]["result"][0]))
        other |= {"from_name": "quality", "value": {"choices": ["good"]}}
        one["annotations"][0]["result"].append(other)
    path = written(photos / "tasks.json", rows)
    with pytest.raises(
        ValueError, match=r"are the classes. It has: choice, quality. .*--label-col"
    ):
        read_labels_file(path)
    assert described(read_labels_file(path, columns=Columns(label="choice"))) == EXPECTED


def test_images_without_a_file_are_named_with_where_was_looked(photos):
    (photos / "folder/three.jpg").unlink()
    with pytest.raises(ValueError, match=r"1 of 3 images .* have no file: s3://bucket.*Looked in"):
        read_labels_file(written(photos / "tasks.json", tasks()))


def test_the_example_of_names_gives_what_it_shows():
    import doctest

    results = doctest.testmod(label_studio)
    assert results.attempted
    assert not results.failed


def observation(number, photo, name):
    address = f"https://inaturalist-open-data.s3.amazonaws.com/photos/{photo}/medium.jpg"
    return {
        "id": number,
        "uuid": f"u{number}",
        "observed_on": "2026-05-01",
        "time_zone": "UTC",
        "user_login": "kueda",
        "quality_grade": "research",
        "license": "CC-BY-NC",
        "url": f"http://www.inaturalist.org/observations/{number}",
        "image_url": address if photo else "",
        "species_guess": "some bird",
        "scientific_name": name,
        "common_name": "a bird",
        "iconic_taxon_name": "Aves",
        "taxon_id": 7,
    }


# The number of the second photograph is that of the third observation.
OBSERVATIONS = [(101, 9001, "Turdus merula"), (102, 103, "Turdus merula"), (103, 9003, "Pica pica")]


@pytest.mark.parametrize(
    "name",
    [
        "photos/{photo}/medium.jpg",
        "{photo}/medium.jpg",
        "pictures/{photo}.jpeg",
        "{photo}_medium.jpg",
        "{observation}.jpg",
    ],
)
def test_inaturalists_export_of_observations(tmp_path, name):
    for number, photo, _ in OBSERVATIONS:
        released.draw(tmp_path / name.format(photo=photo, observation=number), number)
    rows = [observation(*one) for one in OBSERVATIONS]
    rows += [observation(104, None, "Pica pica"), observation(105, 9005, "")]
    records = read_labels_file(written(tmp_path / "observations-1.csv", rows))
    assert described(records) == {
        name.format(photo=photo, observation=number): species
        for number, photo, species in OBSERVATIONS
    }
    assert sorted(records.observations) == ["101", "102", "103"]
    assert records.notes == [
        "2 observations of observations-1.csv without a photograph or a species are left out."
    ]
    common = written(tmp_path / "names.csv", [one | {"common_name": one["id"]} for one in rows[:3]])
    named = read_labels_file(common, columns=Columns(label="common_name"))
    assert named.class_names == ["101", "102", "103"]


def test_photographs_that_were_not_downloaded_are_named(tmp_path):
    for number, photo, _ in OBSERVATIONS[:2]:
        released.draw(tmp_path / f"{photo}.jpg", number)
    rows = [observation(*one) for one in OBSERVATIONS]
    with pytest.raises(
        ValueError, match=r"1 of 3 images .*have no file: 9003. Looked in .*--data-d"
    ):
        read_labels_file(written(tmp_path / "observations.csv", rows))


def coco(first, names, category="0 1 1 2"):
    """What iNaturalist's competitions of 2017 to 2021 give, for some images."""
    numbers = list(map(int, category.split()))
    return {
        "info": {"year": 2018},
        "licenses": [{"id": 1, "name": "CC"}],
        "images": [
            {"id": first + n, "file_name": name, "width": 24, "height": 18, "license": 1}
            for n, name in enumerate(names)
        ],
        "annotations": [
            {"id": first + n, "image_id": first + n, "category_id": numbers[n % len(numbers)]}
            for n in range(len(names))
        ],
        "categories": [
            {"id": 0, "name": "Pica pica", "supercategory": "Aves"},
            {"id": 1, "name": "Morus", "supercategory": "Plantae"},
            {"id": 2, "name": "Morus", "supercategory": "Aves"},
        ],
    }


def competition(folder):
    names = {
        split: [f"train_val2018/Aves/{n % 3}/{split}{n}.jpg" for n in range(count)]
        for split, count in (("train", 8), ("val", 4))
    }
    for split, files in names.items():
        for n, file in enumerate(files):
            released.draw(folder / file, n + 50 * (split == "val"))
        written(folder / f"{split}2018.json", coco(100 * (split == "val"), files))
    (folder / "test2018.json").write_text(json.dumps({"images": []}))
    return names


def test_inaturalists_competition_as_a_folder(tmp_path):
    names = competition(tmp_path)
    train, test = (ImageFolder(tmp_path, split, 8) for split in ("train", "test"))
    assert set(test.files) == set(names["val"])
    # Two genera of one name are two classes.
    assert train.class_names == ["Morus (1)", "Morus (2)", "Pica pica"]
    assert train.coarse_names == ["Aves", "Plantae"]
    labels = dict(zip(test.files, test.labels.tolist(), strict=True))
    assert [labels[file] for file in names["val"]] == [2, 0, 0, 1]


def test_one_file_of_the_competition_is_split_by_chance(tmp_path):
    names = competition(tmp_path)
    records = read_labels_file(tmp_path / "train2018.json")
    assert records.splits is None
    assert records.files == names["train"]


def test_images_of_several_classes_are_refused(tmp_path):
    names = competition(tmp_path)["train"]
    content = coco(0, names)
    content["annotations"].append({"id": 99, "image_id": 0, "category_id": 2})
    with pytest.raises(ValueError, match=r"1 images of .* have several classes: .*train0.jpg"):
        read_labels_file(written(tmp_path / "train2018.json", content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "is no list of images"),
        ("[1]", "is no list of images"),
        ('{"a": 1}', "is no list of images"),
        ('[{"x": 1}]', "cannot be told which column"),
        ('{"images": [{"id": 1}], "annotations": [], "categories": []}', "without 'file_name'"),
    ],
)
def test_other_json_is_refused(tmp_path, content, message):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "a.json")


def test_a_json_list_of_objects_is_a_table(photos):
    rows = [{"image": file, "label": label} for file, label in EXPECTED.items()]
    assert described(read_labels_file(written(photos / "a.json", rows))) == EXPECTED
