"""`keras-rbi compare` on files of models and a folder of photographs."""

import json

import numpy as np
import pytest
from complaints import complaints
from PIL import Image

import keras_rbi
from keras_rbi.cli.main import run
from keras_rbi.evaluation import mcnemar

pytestmark = pytest.mark.usefixtures("untraced")


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "birds" / name).mkdir(parents=True)
        for number in range(8):
            pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "birds" / name / f"{number}.png")
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8))
    keras_rbi.models.backbone_classifier(backbone, 2).save("alone.keras")
    larger = keras_rbi.backbones.SmallCNN((24, 24, 3), widths=(4, 8))
    keras_rbi.models.backbone_classifier(larger, 2).save("larger.keras")
    for name, classes in (("related", ["a", "b"]), ("other", ["c", "d"])):
        model = keras_rbi.RBIModel(backbone, class_names=classes, embedding_dim=8)
        model.save(f"{name}.keras")


def command(*arguments):
    with pytest.raises(SystemExit) as ended:
        run(["compare", *arguments, "--dataset", "birds", "--repeats", "1"])
    return ended.value.code


def test_two_models_are_compared(files, capsys):
    assert command("alone.keras", "related.keras", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [found[letter]["relations"] for letter in ("a", "b")] == ["none", "self"]
    difference = found["b"]["top1"] - found["a"]["top1"]
    only = found["mcnemar"]
    assert found["difference"] == pytest.approx(difference)
    assert difference == pytest.approx((only["only_b"] - only["only_a"]) / found["images"])
    one_sided = np.repeat([True, False], [only["only_a"], only["only_b"]])
    assert only["p_value"] == pytest.approx(mcnemar(one_sided, ~one_sided).p_value)
    assert command("alone.keras", "related.keras") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "test batches of 32" in printed
    assert "shuffled with seed 0" in printed
    assert "p = " in printed


def test_models_of_different_image_sizes_are_compared(files, capsys):
    assert command("alone.keras", "larger.keras", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [found[letter]["image_size"] for letter in ("a", "b")] == [16, 24]


def test_other_classes_are_refused_in_one_line(files, capsys):
    assert command("related.keras", "other.keras") == 2
    error = capsys.readouterr().err
    assert "have different classes" in error
    assert len(complaints(error)) == 1


def test_a_run_that_was_trained_on_the_test_images_is_told(files, capsys):
    small = ["--backbone", "SmallCNN", "--image-size", "16", "--epochs", "1", "--weights", "none"]
    for seed in ("0", "0", "1"):
        with pytest.raises(SystemExit):
            run(["train", "--dataset", "birds", *small, "--seed", seed, "--quiet"])
    for other, warns in (("runs/birds-2", False), ("runs/birds-3", True)):
        capsys.readouterr()
        with pytest.raises(SystemExit):
            run(["compare", "runs/birds-1", other, "--repeats", "0", "--json"])
        printed = capsys.readouterr()
        told = printed.err
        warned = json.loads(printed.out)["warnings"]
        assert any("which flatters it" in line for line in warned) is warns
        assert ("which flatters it" in told) is warns
        assert ("'runs/birds-3'" in told) is warns
