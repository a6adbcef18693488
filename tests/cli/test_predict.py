"""`keras-rbi predict` around a model that is plain to see through."""

import csv
import json
import os
import sys

import keras
import numpy as np
import pytest
from PIL import Image

import keras_rbi.cli.predict  # noqa: F401
from keras_rbi.cli.main import run

pytestmark = pytest.mark.usefixtures("untraced")


class MeanColour:
    """Three classes: red, green and blue."""

    input_shape = (None, 8, 8, 3)

    def predict_on_batch(self, images):
        means = images.astype("float64").mean(axis=(1, 2))
        return means / means.sum(axis=1, keepdims=True)


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys):
    import importlib

    monkeypatch.chdir(tmp_path)
    module = importlib.import_module("keras_rbi.cli.predict")
    names = ["red", "green", "blue"]

    def ask(*arguments, model=None, names=names):
        asked = model or MeanColour()
        monkeypatch.setattr(module, "find_model", lambda path: path)
        monkeypatch.setattr(module, "load", lambda path: (asked, names))
        with pytest.raises(SystemExit) as ended:
            run(["predict", "model.keras", *arguments])
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return ask


def save(path, colour):
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (8, 8), colour).save(path)


@pytest.fixture
def photos(tmp_path):
    for number in range(30):
        colour = [0, 0, 0]
        colour[number % 3] = 204
        colour[(number + 1) % 3] = 51
        save(tmp_path / "photos" / f"{number:02}.png", tuple(colour))
    return "photos"


NAMES = [f"photos/{number:02}.png" for number in range(30)]
BEST = ["red", "green", "blue"] * 10


def test_csv_has_a_row_for_each_image(ask, photos):
    code, out, err = ask(photos, "--format", "csv", "--top", "2")
    rows = list(csv.reader(out.splitlines()))
    assert (code, err) == (0, "Predicting (30) ...\n")
    assert rows[0] == ["image", "class_1", "probability_1", "class_2", "probability_2"]
    assert [row[:2] for row in rows[1:]] == [list(pair) for pair in zip(NAMES, BEST, strict=True)]
    assert {row[2] for row in rows[1:]} == {"0.8"}
    assert rows[1][3:] == ["green", "0.2"]


def test_json_lines_and_json_say_the_same(ask, photos):
    lines = [json.loads(line) for line in ask(photos, "--format", "jsonl")[1].splitlines()]
    assert [line["image"] for line in lines] == NAMES
    assert [line["top"][0] for line in lines] == [{"class": c, "probability": 0.8} for c in BEST]
    assert json.loads(ask(photos, "--json")[1]) == lines
    assert json.loads(ask(photos, "--format", "json")[1]) == lines


def test_the_output_file_tells_the_format_by_its_name(ask, photos, tmp_path):
    for suffix in ("csv", "jsonl", "json"):
        shown = ask(photos, "--format", suffix)[1]
        code, out, _ = ask(photos, "--output", f"predictions.{suffix}")
        assert (code, out) == (0, "")
        assert (tmp_path / f"predictions.{suffix}").read_text() == shown
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "photos",
        "predictions.csv",
        "predictions.json",
        "predictions.jsonl",
    ]


def test_json_beside_a_file_tells_what_became_of_the_predictions(ask, photos, tmp_path):
    (tmp_path / photos / "words.png").write_text("no picture")
    for suffix in ("csv", "jsonl", "json"):
        _, shown, _ = ask(photos, "--format", suffix)
        code, out, _ = ask(photos, "--output", f"predictions.{suffix}", "--json")
        assert (tmp_path / f"predictions.{suffix}").read_text() == shown
        told = json.loads(out)
        assert (code, told["output"], told["images"]) == (1, f"predictions.{suffix}", 31)
        assert ["photos/words.png" in reason for reason in told["unreadable"]] == [True]
    # A name that says nothing.
    _, shown, _ = ask(photos, "--json")
    ask(photos, "--output", "predictions", "--json")
    assert (tmp_path / "predictions").read_text() == shown


@pytest.mark.parametrize("name", ["p.tsv", "p.xlsx", "p.csv.gz", "p.txt"])
def test_an_ending_that_names_no_format_is_refused_but_for_a_format(ask, photos, tmp_path, name):
    code, out, err = ask(photos, "--output", name)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert all(word in err for word in (f"'{name}'", ".csv, .jsonl, .json or .parquet", "--format"))
    assert not (tmp_path / name).exists()
    assert ask(photos, "--output", name, "--format", "csv")[0] == 0
    assert (tmp_path / name).read_text() == ask(photos, "--format", "csv")[1]


def test_an_ending_in_capitals_and_none_are_what_they_were(ask, photos, tmp_path):
    ask(photos, "--output", "P.JSON")
    assert (tmp_path / "P.JSON").read_text() == ask(photos, "--format", "json")[1]
    assert ask(photos, "--output", "plain")[0] == 0
    assert (tmp_path / "plain").read_text() == ask(photos)[1]


def test_images_of_formats_that_are_not_read_are_told(ask, photos, tmp_path):
    (tmp_path / photos / "a.tga").write_bytes(b"\0" * 30)
    Image.new("RGB", (8, 8)).save(tmp_path / photos / "no_ending", "JPEG2000")
    (tmp_path / photos / "notes.txt").write_text("words")
    told = "2 passed over as images of a format that is not read here (convert them to PNG or JPEG)"
    _, out, err = ask(photos, "--output", "p.csv", "--json")
    assert told in err
    assert "a.tga, no_ending" in err
    assert "notes.txt" not in err
    (note,) = json.loads(out)["passed_over"]
    assert note.startswith(told)
    assert told not in ask(photos, "--output", "p.csv", "--quiet")[2]


def test_few_images_get_tables_and_many_get_lines(ask, photos):
    code, out, _ = ask(*NAMES[:2])
    assert code == 0
    assert out.count("probability (%)") == 2
    assert [line.split("│")[1:3] for line in out.splitlines() if "80.0" in line] == [
        [" red   ", "            80.0 "],
        [" green ", "            80.0 "],
    ]
    lines = ask(photos)[1].splitlines()
    assert lines[1].split() == ["80.0", "%", "green", "photos/01.png"]
    assert len(lines) == 30


def test_folders_named_after_classes_tell_the_truth(ask, tmp_path):
    save(tmp_path / "red" / "1.png", (204, 51, 0))
    save(tmp_path / "red" / "2.png", (51, 204, 0))
    save(tmp_path / "others" / "3.png", (0, 51, 204))
    expected = {
        "red/1.png": ("red", True),
        "red/2.png": ("red", False),
        "others/3.png": (None, None),
    }
    # In the folders' natural order, and as they are named.
    for named in (["."], ["red", "others"], [*expected]):
        code, out, err = ask(*named, "--json")
        found = {row["image"]: (row["truth"], row["right"]) for row in json.loads(out)}
        assert (code, found) == (0, expected)
        right = "Right: 1 of 2 images in folders named after a class (50.0 %).\n"
        assert err == "Predicting (3) ...\n" + right
    code, out, err = ask(*expected, "--format", "csv", "--top", "1", "--quiet")
    assert err == ""
    assert list(csv.reader(out.splitlines())) == [
        ["image", "class_1", "probability_1", "truth", "right"],
        ["red/1.png", "red", "0.8", "red", "true"],
        ["red/2.png", "green", "0.8", "red", "false"],
        ["others/3.png", "blue", "0.8", "", ""],
    ]
    titles = [line for line in ask(*expected)[1].splitlines() if ".png" in line]
    assert titles == ["red/1.png (right)", "red/2.png (wrong, is red)", "others/3.png"]


def test_unreadable_files_are_listed_at_the_end(ask, photos, tmp_path):
    for name in ("05.png", "20.jpg"):
        (tmp_path / "photos" / name).write_text("words")
    code, out, err = ask(photos, "--format", "jsonl")
    answered = [json.loads(line)["image"] for line in out.splitlines()]
    assert code == 1
    assert answered == [name for name in NAMES if name != "photos/05.png"]
    begun, title, *reasons = err.splitlines()
    assert begun == "Predicting (31) ..."
    assert title == "2 of 31 images cannot be read:"
    for name, reason in zip(("photos/05.png", "photos/20.jpg"), reasons, strict=True):
        assert name in reason
        assert "cannot be read as an image" in reason


def test_where_none_can_be_read_the_answer_is_empty(ask, tmp_path):
    (tmp_path / "a.png").write_text("words")
    code, out, err = ask("a.png", "--json")
    assert (code, json.loads(out)) == (1, [])
    assert err.splitlines()[1] == "1 of 1 images cannot be read:"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.png"], "none.png"),
        (["photos", "--format", "xml"], "table, csv, jsonl, json"),
        (["photos", "--output", "nowhere/a.csv"], "nowhere"),
    ],
)
def test_mistakes_get_one_line(ask, photos, arguments, message):
    code, out, err = ask(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_with_json_errors_are_json_too(ask, photos):
    code, out, err = ask(photos, "--format", "csv", "--json")
    assert (code, err) == (2, "")
    assert "Leave out one" in json.loads(out)["error"]


def test_names_that_look_like_markup_are_shown_as_they_are(ask, tmp_path):
    save(tmp_path / "[red]x[bold].png", (204, 51, 0))
    assert "[red]x[bold].png" in ask("[red]x[bold].png")[1]
    out = ask("[red]x[bold].png", "--format", "csv")[1]
    assert out.splitlines()[1].startswith("[red]x[bold].png,red,0.8,")


HOSTILE = ["=1+1", "+1", "\x1b[31m"]


def test_a_spreadsheet_gets_text_and_no_formulas(ask, tmp_path):
    """Where it is asked for: what reads the file otherwise gets the names as they are."""
    save(tmp_path / "-a.png", (204, 51, 0))
    for options, prefix in (([], ""), (["--spreadsheet"], "'")):
        arguments = ["./-a.png", "--format", "csv", "--output", "a.csv", *options]
        assert ask(*arguments, names=HOSTILE)[0] == 0
        text = (tmp_path / "a.csv").read_bytes().decode()
        assert text.startswith('"image","class_1"' if options else "image,class_1")
        _, row = csv.reader(text.splitlines())
        assert row[1::2] == [f"{prefix}=1+1", f"{prefix}+1", "\x1b[31m"]
        assert row[0] == f"{prefix}-a.png"
    code, _, err = ask("./-a.png", "--spreadsheet")
    assert (code, err.count("\n")) == (2, 1)
    assert "--format csv" in err


@pytest.mark.skipif(os.name != "posix" or sys.platform == "darwin", reason="names are text there")
def test_a_name_that_is_no_text_is_written_as_it_is(ask, tmp_path):
    Image.new("RGB", (8, 8), (204, 51, 0)).save(tmp_path / "x.png")
    name = b"\xff.png"
    os.rename(tmp_path / "x.png", os.fsencode(tmp_path) + b"/" + name)
    for form in ("csv", "table", "jsonl"):
        assert ask(os.fsdecode(name), "--format", form, "--output", "out")[0] == 0
        content = (tmp_path / "out").read_bytes()
        shown = {"csv": b"\xff.png,red", "table": b"\\udcff.png", "jsonl": b'"\\udcff.png"'}
        assert shown[form] in content


def test_probabilities_are_those_of_the_whole_file(ask, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    (prediction,) = json.loads(ask("noise.png", "--json")[1])
    means = pixels.reshape(64, 3).mean(axis=0)
    expected = np.sort(means / means.sum())[::-1]
    got = [row["probability"] for row in prediction["top"]]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("linear", np.exp([0.8, 0.2, 0.0]) / np.exp([0.8, 0.2, 0.0]).sum()),
        ("sigmoid", np.array([0.69, 0.55, 0.5]) / 1.74),
        ("relu", None),
    ],
)
def test_answers_of_any_head_are_probabilities(ask, tmp_path, activation, expected):
    images = keras.Input((8, 8, 3))
    means = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(images))
    head = keras.layers.Dense(3, activation=activation, kernel_initializer="identity")
    model = keras.Model(images, head(means))
    save(tmp_path / "a.png", (204, 51, 0))
    if expected is None:
        save(tmp_path / "a.png", (204, 204, 0))
        code, out, err = ask("a.png", "--json", model=model)
        assert (code, err) == (2, "")
        assert "'relu'" in json.loads(out)["error"]
        return
    (prediction,) = json.loads(ask("a.png", "--json", model=model)[1])
    got = [row["probability"] for row in prediction["top"]]
    np.testing.assert_allclose(got, expected, atol=2e-3)
