"""Hugging Face's data sets: the package's own where it is installed, and such as it has."""

import importlib.util
import io

import keras
import numpy as np
import pytest
from PIL import Image

import keras_rbi
from keras_rbi.datasets import ImageFiles, ImageSequence, from_hugging_face
from keras_rbi.datasets.files.overview import overview

NAMES = ["wren", "robin", "owl"]
# Without the package, the folder of tests of that name is found.
SPEC = importlib.util.find_spec("datasets")


def encoded(number):
    content = io.BytesIO()
    Image.new("RGB", (12, 10), (number * 5, 90, 30)).save(content, "PNG")
    return content.getvalue()


class Features:
    """Classes that are named as the package's features are."""

    class Image:
        def __init__(self, decode=True):
            self.decode = decode

    class ClassLabel:
        names = NAMES

    class Value:
        pass


class Like:
    """What is asked of a `datasets.Dataset`, and nothing else."""

    def __init__(self, columns, features):
        self.columns, self.features = columns, features

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def __getitem__(self, key):
        if isinstance(key, str):
            return self.columns[key]
        decode = self.features["picture"].decode
        assert not decode, "images are asked for as they are"
        return {name: values[key] for name, values in self.columns.items()}

    def cast_column(self, name, feature):
        return Like(self.columns, self.features | {name: feature})


def like(count, first=0, paths=None):
    pictures = [{"bytes": encoded(first + n), "path": None} for n in range(count)]
    for place, path in (paths or {}).items():
        pictures[place] = {"bytes": None, "path": path}
    columns = {
        "picture": pictures,
        "kind": [n % 2 for n in range(count)],
        "note": ["text"] * count,
    }
    features = {
        "picture": Features.Image(),
        "kind": Features.ClassLabel(),
        "note": Features.Value(),
    }
    return Like(columns, features)


def test_classes_and_pixels_are_those_of_the_rows(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(40))
    records = from_hugging_face(like(30, paths={3: str(tmp_path / "a.png")}))
    assert records.class_names == NAMES
    assert records.labels.tolist() == [n % 2 for n in range(30)]
    seen = set()
    for split in ("train", "validation", "test"):
        data = ImageFiles(records, split, image_size=8)
        for place in range(len(data)):
            red = int(data.image(place)[0, 0, 0])
            row = 3 if red == 200 else red // 5
            assert data.labels[place] == row % 2
            seen.add(row)
    assert seen == set(range(30))
    assert overview(records).headers.formats == {"PNG": 30}


def test_splits_of_a_dictionary():
    records = from_hugging_face(
        {"train": like(8), "validation": like(4, 8), "unsupervised": like(1)}
    )
    assert records.splits == ["train"] * 8 + ["test"] * 4
    assert len(ImageFiles(records, "test", image_size=8)) == 4
    with pytest.raises(ValueError, match=r"called as the training images are. Received: \['a'\]"):
        from_hugging_face({"a": like(2)})


def test_what_is_missing_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"`label_column` must name .*The columns: picture, kind"):
        from_hugging_face(like(4), label_column="species")
    with pytest.raises(ValueError, match=r"Expected a `datasets.Dataset`.*Received: list"):
        from_hugging_face([1, 2])
    data = like(4)
    data.columns["kind"][1] = -1
    with pytest.raises(ValueError, match=r"A row has no class in its column 'kind': -1"):
        from_hugging_face(data)
    records = from_hugging_face(like(4, paths={0: str(tmp_path / "none.png")}))
    with pytest.raises(ValueError, match=r"There is no image .*none.png' of row 0"):
        records.content(0)


def test_labels_that_are_text():
    data = like(6)
    data.columns["note"] = list("abcabc")
    records = from_hugging_face(data, label_column="note")
    assert records.class_names == ["a", "b", "c"]


def test_a_model_trains_on_it():
    records = from_hugging_face(like(24))
    train = ImageSequence(ImageFiles(records, "train", image_size=16), batch_size=8)
    model = keras_rbi.RBIModel(keras_rbi.backbones.SmallCNN((16, 16, 3)), embedding_dim=8)
    model.compile("adam", loss=keras.losses.SparseCategoricalCrossentropy())
    history = model.fit(train, epochs=1, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert model.class_names == NAMES


@pytest.mark.skipif(
    SPEC is None or SPEC.origin is None, reason="the package datasets is not installed"
)
@pytest.mark.parametrize("cache", ["ram", "disk"])
def test_a_data_set_of_the_package(tmp_path, cache):
    import datasets

    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)}
    )
    data = datasets.Dataset.from_dict(
        {
            "image": [{"bytes": encoded(n), "path": None} for n in range(30)],
            "label": [n % 3 for n in range(30)],
        },
        features=features,
    )
    whole = from_hugging_face(data)
    assert whole.labels.tolist() == [n % 3 for n in range(30)]
    halves = from_hugging_face(data.train_test_split(0.2, seed=0))
    assert halves.splits.count("test") == 6
    data.save_to_disk(tmp_path / "saved")
    saved = datasets.load_from_disk(tmp_path / "saved")
    where = {"cache_dir": tmp_path / "cache"} if cache == "disk" else {}
    for rows in (saved, saved, saved.shuffle(seed=1)):
        train = ImageFiles(from_hugging_face(rows), "train", image_size=8, cache=cache, **where)
        for _ in range(2):
            for place in range(len(train)):
                assert train.labels[place] == train.image(place)[0, 0, 0] // 5 % 3
