"""`keras-rbi add-classes`, and runs that begin with another run's backbone."""

import json

import keras
import numpy as np
import pytest
from PIL import Image
from small_runs import SMALL

from keras_rbi.models.loading import load_model
from keras_rbi.training import RunFolder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def newcomers(birds):
    generator = np.random.default_rng(1)
    for name in ("jay",):
        (birds / "newcomers" / name).mkdir(parents=True)
        for number in range(6):
            pixels = np.clip(generator.normal(200, 20, (16, 16, 3)), 0, 255).astype("uint8")
            Image.fromarray(pixels).save(birds / "newcomers" / name / f"{number}.png")
    return birds / "newcomers"


def test_a_run_gets_classes_and_the_old_one_stays(finished_run, newcomers, birds, ask):
    before = contents(finished_run)
    code, printed, _ = ask("add-classes", "run", "newcomers", "--output", "more", "--json")
    found = json.loads(printed)
    assert (code, found["class_names"]) == (0, ["jay"])
    assert contents(finished_run) == before

    old, new = (load_model(birds / run / "model.keras") for run in ("run", "more"))
    assert new.class_names == [*old.class_names, "jay"]
    for weight, own in zip(old.weights, new.weights, strict=True):
        own = keras.ops.convert_to_numpy(own)
        assert np.array_equal(keras.ops.convert_to_numpy(weight), own[..., : weight.shape[-1]])

    settings, names = RunFolder("more").read_settings()
    assert (settings.added_classes, names) == (str(newcomers), new.class_names)
    metrics = RunFolder("more").read_metrics()
    assert metrics["test_accuracy"] == pytest.approx(found["all_after"])
    assert metrics["added_classes"]["old_before"] == found["old_before"]

    code, printed, _ = ask("evaluate", "more", "--json", "--batch-sizes", 1)
    assert code == 0
    measured = json.loads(printed)
    assert measured["test_images"] == metrics["test_images"]
    assert measured["rows"][0]["top1"] == pytest.approx(found["all_after"])
    code, printed, _ = ask("predict", "more", "newcomers", "--json", "--top", 1)
    assert code == 0
    assert {"jay"} <= {one["top"][0]["class"] for one in json.loads(printed)}
    assert ask("explain", "more", "more/examples", "--output", "maps")[0] == 0
    code, _, told = ask("train", "--resume", "--output", "more")
    assert code == 2
    assert "is finished: there is nothing to resume" in told[0]

    code, _, told = ask("add-classes", "more", "newcomers", "--output", "again")
    assert code == 2
    assert "Classes that are added must be new. Received: jay" in told[0]
    assert not (birds / "again").exists()


def test_accuracies_are_printed_and_losses_told(finished_run, newcomers, ask):
    code, printed, told = ask("add-classes", "run", "newcomers", "--allow-loss", "100", "--refit")
    assert code == 0
    assert "old classes" in printed
    assert "keras-rbi evaluate" in printed
    metrics = RunFolder("run-1").read_metrics()["added_classes"]
    assert bool(metrics["lost"]) == any("lose more than 1 point" in line for line in told)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "birds"], "There is no model"),
        (["run", "nowhere"], "There is no folder"),
        (["run", "birds"], "Classes that are added must be new. Received: robin, wren"),
        (["run", "newcomers", "--output", "birds"], "is not empty"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(arguments, said, finished_run, newcomers, ask):
    code, _, told = ask("add-classes", *arguments)
    assert (code, len(told)) == (2, 1)
    assert said in told[0]


def test_a_run_begins_with_the_backbone_of_another(finished_run, birds, ask):
    for old, new in (("wren", "jay"), ("robin", "owl")):
        (birds / "birds" / old).rename(birds / "birds" / new)
    options = [*SMALL[:-2], "--epochs", "1", "--freeze", "backbone"]
    code, _, told = ask("train", *options, "--weights", "run", "--quiet", "--output", "next")
    assert (code, told) == (0, [])
    old, new = (load_model(birds / run / "model.keras") for run in ("run", "next"))
    assert new.class_names == ["jay", "owl"]
    for weight, own in zip(old.backbone.weights, new.backbone.weights, strict=True):
        assert np.array_equal(*map(keras.ops.convert_to_numpy, (weight, own)))
    assert RunFolder("next").read_settings()[0].weights == str(birds / "run")

    other = ["--dataset", "birds", "--backbone", "MobileNetV2", "--image-size", "32"]
    code, _, told = ask("train", *other, "--weights", "run/model.keras")
    assert (code, len(told)) == (2, 1)
    assert "are of the backbone 'small_cnn'" in told[0]
    code, _, told = ask("train", *SMALL, "--weights", "none.keras")
    assert (code, len(told)) == (2, 1)
    assert "There is no model" in told[0]
