"""`keras-rbi evaluate --details` on a file of a model and a folder of photographs."""

import csv
import html
import json
import re

import keras
import numpy as np
import pytest
from PIL import Image

import keras_rbi
from keras_rbi.cli.main import run
from keras_rbi.evaluation.details import coarse_labels_of_classes

pytestmark = pytest.mark.usefixtures("untraced")


@pytest.mark.parametrize("rbi", [True, False])
def test_details_are_printed_and_written(rbi, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "birds" / name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "birds" / name / f"{number}.png")
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8))
    if rbi:
        model = keras_rbi.RBIModel(backbone, class_names=["a", "b"], embedding_dim=8)
    else:
        model = keras_rbi.models.backbone_classifier(backbone, 2)
    model.save("model.keras")
    arguments = ["evaluate", "model.keras", "--dataset", "birds", "--batch-sizes", "2"]
    with pytest.raises(SystemExit) as ended:
        run([*arguments, "--orders", "1", "--details", "--output", "out"])
    assert ended.value.code == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "with the lowest accuracy" in printed
    assert ("of the weight on oneself" in printed) is rbi
    content = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    details = content["details"]
    confusion = np.array(details["confusion"])
    assert confusion.sum() == content["test_images"]
    assert np.trace(confusion) / confusion.sum() == pytest.approx(content["rows"][0]["top1"])
    rows = list(csv.DictReader((tmp_path / "out" / "confusion.csv").open()))
    assert [[int(row["a"]), int(row["b"])] for row in rows] == confusion.tolist()
    assert (details["attention"] is not None) is rbi
    for name in ("evaluation", "confusion", "attention" if rbi else "confusion"):
        assert Image.open(tmp_path / "out" / f"{name}.png").size[0] > 500
        assert "<svg" in (tmp_path / "out" / f"{name}.svg").read_text()[:1000]


def test_mistakes_are_a_table_and_a_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    names = ["=owl", "<b>wren"]
    expected = {}
    for split, count in (("train", 2), ("test", 7)):
        for label, name in enumerate(names):
            folder = tmp_path / "birds" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
                if split == "test":
                    expected[f"test/{name}/{number}.png"] = (pixels, label)
    images = keras.Input((16, 16, 3))
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255, -0.5)(images))
    model = keras.Model(images, keras.layers.Dense(2, activation="softmax")(flat))
    model.layers[-1].kernel.assign(0.2 * rng.normal(size=(768, 2)))
    model.save("model.keras")
    order = ["<b>wren", "=owl"]
    arguments = [
        "evaluate",
        "model.keras",
        "--dataset",
        "birds",
        "--orders",
        "1",
        "--output",
        "out",
    ]
    for options, quote in (([], ""), (["--spreadsheet"], "'")):
        with pytest.raises(SystemExit) as ended:
            run([*arguments, *options])
        assert ended.value.code == 0
        rows = list(csv.reader((tmp_path / "out" / "mistakes.csv").open(newline="")))
        found = {
            file: (truth, prediction, float(probability))
            for file, truth, prediction, probability in rows[1:]
        }
        wrong = {}
        for file, (pixels, label) in expected.items():
            row = model.predict(pixels[None], verbose=0)[0]
            if order[row.argmax()] != names[label]:
                both = names[label], order[row.argmax()]
                called = [quote * name.startswith("=") + name for name in both]
                wrong[file] = (*called, pytest.approx(float(row.max()), abs=1e-5))
        assert rows[0] == ["file", "truth", "prediction", "probability"]
        assert 0 < len(wrong) < 14
        assert found == wrong
        # The surest first.
        sureness = [float(row[3]) for row in rows[1:]]
        assert sureness == sorted(sureness, reverse=True)
    page = (tmp_path / "out" / "mistakes.html").read_text("utf-8")
    assert page.count("<article>") == len(wrong)
    assert f"{len(wrong)} of 14 test images" in page
    assert "<b>" not in page
    first = rows[1][0]
    card = page[page.index("<article>") : page.index("</article>")]
    beside = re.findall(r'<img alt="test/(.+?)/\d+.png, ', card)
    # Of the class that it was taken for, and then of its own.
    assert [html.unescape(name) for name in beside] == [
        name for name in (order if "=owl" in first else order[::-1]) for _ in range(4)
    ]


def test_coarse_labels_of_classes_are_those_of_their_images():
    data = keras_rbi.datasets.Typefaces("test", per_class=1)
    coarse = coarse_labels_of_classes(data)
    np.testing.assert_array_equal(coarse[data.labels], data.coarse_labels)
