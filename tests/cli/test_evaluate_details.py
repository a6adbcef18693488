"""`keras-rbi evaluate --details` on a file of a model and a folder of photographs."""

import csv
import json

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


def test_coarse_labels_of_classes_are_those_of_their_images():
    data = keras_rbi.datasets.Typefaces("test", per_class=1)
    coarse = coarse_labels_of_classes(data)
    np.testing.assert_array_equal(coarse[data.labels], data.coarse_labels)
