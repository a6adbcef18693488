"""`keras-rbi datasets doubtful`: from a run to a table, and from the table to corrected labels."""

import csv
import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from complaints import complaints
from PIL import Image

from keras_rbi import backbones
from keras_rbi.cli.main import run
from keras_rbi.datasets import load
from keras_rbi.training import RunFolder, TrainingSettings, label_issues_of_run
from keras_rbi.training.label_issues_of_run import prepare_label_check

pytestmark = pytest.mark.usefixtures("untraced")

WRONG = {"dark/7.png", "light/18.png"}


def command(*arguments):
    with pytest.raises(SystemExit) as ended:
        run(["datasets", "doubtful", *map(str, arguments)])
    return ended.value.code


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Dark and light images, two of them in the wrong folder, and a run started on them."""
    parent = tmp_path_factory.mktemp("doubtful")
    for number in range(60):
        name = ("light", "dark")[number % 2 == 0] if number not in (7, 18) else None
        file = f"{name}/{number}.png" if name else next(f for f in WRONG if f"/{number}." in f)
        shade = 50 + 130 * (number % 2) + np.random.default_rng(number).integers(0, 30, (20, 20, 3))
        path = parent / "shades" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(shade.astype("uint8")).save(path)
    keras.utils.set_random_seed(0)
    weights = parent / "cnn.weights.h5"
    backbones.get("SmallCNN", image_size=16).save_weights(weights)
    settings = TrainingSettings(
        dataset=str(parent / "shades"), backbone="SmallCNN", weights=str(weights), image_size=16
    )
    RunFolder(parent / "run").write_settings(settings.resolved(), ["dark", "light"])
    return parent


@pytest.fixture
def where(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return made


def rows_of(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_from_a_run_to_corrected_labels(where, tmp_path, capsys):
    assert command(where / "run") == 0
    told = capsys.readouterr()
    assert re.search(r"\d+ of 60 labels are worth doubting", told.out)
    assert "Table: suspects.csv" in told.out
    assert "--corrections suspects.csv" in told.out
    assert all(line.endswith(" ...") for line in told.err.splitlines())
    page = Path("suspects.html").read_text("utf-8")
    assert "Labels worth doubting in shades" in page
    rows = rows_of("suspects.csv")
    assert {row["path"] for row in rows[:2]} == WRONG
    splits = {s: load(where / "shades", split=s, image_size=16).files for s in ("train", "test")}
    for row in rows:
        assert row["path"].startswith(row["given"])
        assert row["corrected"] == ""
        for split, files in splits.items():
            assert (row["split"] == split) == (row["path"] in files)
        assert 0 <= float(row["probability_given"]) <= float(row["probability_suggested"]) <= 1
    # A person confirms one suggestion and leaves an image out.
    rows[0]["corrected"], rows[1]["corrected"] = rows[0]["suggested"], "remove"
    write("suspects.csv", rows)
    with pytest.warns(match="1 labels are replaced, 1 images left out"):
        data = load(where / "shades", split="trainval", image_size=16, corrections="suspects.csv")
    assert rows[1]["path"] not in data.files
    # And does not lose what is written there.
    assert command(where / "run") == 2
    assert "has 2 corrections, which would be lost" in capsys.readouterr().err
    assert rows_of("suspects.csv") == rows

    settings, names = RunFolder(where / "run").read_settings()
    again = RunFolder(tmp_path / "again")
    settings = TrainingSettings(**{**settings.as_dict(), "corrections": "suspects.csv"})
    again.copy_corrections(settings)
    again.write_settings(settings.resolved(), names)
    # A second look carries the first along, and doubts none of it again.
    assert command(again.path, "--output", "second.csv", "--quiet") == 0
    second = rows_of("second.csv")
    earlier = [row for row in second if not row["rank"]]
    assert {(row["path"], row["corrected"]) for row in earlier} == {
        (rows[0]["path"], rows[0]["suggested"]),
        (rows[1]["path"], "remove"),
    }
    assert not WRONG & {row["path"] for row in second if row["rank"]}
    with pytest.warns(match="1 labels are replaced, 1 images left out"):
        load(where / "shades", split="test", image_size=16, corrections="second.csv")


def test_json_says_all_and_python_finds_the_same(where, capsys):
    arguments = ["--json", "--splits", "train,test", "--output", "t.csv", "--html", "t.htm"]
    assert command(where / "run", *arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["table"], told["report"]) == ("t.csv", "t.htm")
    assert told["backbone"] == "SmallCNN"
    assert told["judged"] == told["images"] < 60
    found = label_issues_of_run(where / "run", splits=("train", "test"))
    assert [row["path"] for row in told["suspects"]] == [row["path"] for row in found.rows()]
    assert found.accuracy == pytest.approx(told["accuracy"], abs=0.02)
    assert {row["split"] for row in found.rows()} <= {"train", "test"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "is not the folder of a training run"),
        (["RUN", "--output", "a.txt"], "--output must be a .csv file"),
        (["RUN", "--html", "a.png"], "--html must be an .html file"),
        (["RUN", "--output", "none/a.csv"], "no folder"),
        (["RUN", "--splits", "train,tests"], "`splits` must be some of"),
        (["RUN", "--weights", "none"], "knows nothing to doubt a label by"),
        (["RUN", "--backbone", "SmalCNN"], "no backbone 'SmalCNN'"),
        (["typefaces"], "labels are right"),
    ],
)
def test_mistakes_get_one_line(arguments, message, where, capsys):
    RunFolder("typefaces").write_settings(TrainingSettings().resolved(), ["a", "b"])
    assert command(*(where / "run" if word == "RUN" else word for word in arguments)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(complaints(error)) == 1
    assert not Path("suspects.csv").exists()


def test_a_run_from_scratch_is_judged_by_features_that_know_no_labels(where):
    settings, names = RunFolder(where / "run").read_settings()
    scratch = TrainingSettings(**{**settings.as_dict(), "weights": "none", "feature_head": False})
    RunFolder("scratch").write_settings(scratch.resolved(), names)
    check = prepare_label_check("scratch")
    assert (check.settings.backbone, check.settings.weights) == ("EfficientNetLite0", "imagenet")
    assert check.data.image_size == check.settings.image_size == 224
    # Another that is named comes first.
    check = prepare_label_check("scratch", backbone="MobileNetV2")
    assert check.settings.backbone == "MobileNetV2"
