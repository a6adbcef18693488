"""`keras-rbi datasets leaks`."""

import json

import numpy as np
import pytest
import released
from complaints import complaints
from PIL import Image

from keras_rbi.cli.main import run
from keras_rbi.evaluation import find_leaks


def command(*arguments):
    with pytest.raises(SystemExit) as ended:
        run([str(argument) for argument in arguments])
    return ended.value.code


@pytest.fixture
def birds(tmp_path):
    """Two classes, and a test image that is a training image, mirrored."""
    for split, count in (("train", 4), ("test", 2)):
        for name in ("wren", "robin"):
            (tmp_path / split / name).mkdir(parents=True)
            for number in range(count):
                seed = [len(split), len(name), number]
                pixels = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), np.uint8)
                picture = Image.fromarray(pixels).resize((80, 60), Image.Resampling.BICUBIC)
                picture.save(tmp_path / split / name / f"{number}.png")
    with Image.open(tmp_path / "train" / "wren" / "2.png") as picture:
        mirrored = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    mirrored.save(tmp_path / "test" / "robin" / "<1>.png")
    return tmp_path


def test_pairs_are_told_and_drawn(birds, capsys):
    out = birds / "leaks.html"
    assert command("datasets", "leaks", birds, "--out", out) == 1
    text = capsys.readouterr().out
    assert "1 pairs of 8 trainval and 5 test images" in text
    assert "mirrored" in text
    page = out.read_text("utf-8")
    assert page.count("data:image/jpeg;base64,") == 2
    assert "&lt;1&gt;.png (robin)" in page
    assert command("datasets", "leaks", birds, "--out", birds / "leaks.png") == 1
    with Image.open(birds / "leaks.png") as picture:
        assert picture.width > 500


def test_json_holds_every_pair(birds, capsys):
    assert command("datasets", "leaks", birds, "--json") == 1
    (pair,) = json.loads(capsys.readouterr().out)["pairs"]
    assert [file.rsplit("/", 2)[1:] for file in pair["files"]] == [
        ["wren", "2.png"],
        ["robin", "<1>.png"],
    ]
    assert pair["flipped"]
    assert pair["labels"] == ["wren", "robin"]


def test_no_leak_ends_well(birds, capsys):
    assert command("datasets", "leaks", birds, "--no-flips") == 0
    assert command("datasets", "leaks", birds, "--splits", "train,train") == 0
    assert "0 pairs among" in capsys.readouterr().out


def test_dogs_are_told_of(tmp_path, capsys):
    released.stanford_dogs(tmp_path)
    command("datasets", "leaks", "stanford_dogs", tmp_path)
    assert "come from ImageNet" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["birds", "--splits", "train"], "--splits must be two"),
        (["birds", "--out", "leaks.txt"], "leaks.txt"),
        (["typefaces"], "rendered anew"),
        (["none"], "no folder 'none'"),
    ],
)
def test_mistakes_get_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command("datasets", "leaks", *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(complaints(error)) == 1


def test_leaks_are_found_from_python_too(birds):
    found = find_leaks(str(birds))
    assert found.summary == "1 pairs of 8 trainval and 5 test images"
    assert found.names(found.pairs[0])[1].endswith("<1>.png")
    with pytest.raises(ValueError, match=r"splits=.*tests"):
        find_leaks(str(birds), splits=("train", "tests"))
