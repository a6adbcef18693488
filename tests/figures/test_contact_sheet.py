"""Contact sheets show what the data holds."""

import doctest
import importlib

import numpy as np
import pytest
from PIL import Image

import keras_rbi
from keras_rbi.cli.main import run
from keras_rbi.datasets import ImageData
from keras_rbi.figures import contact_sheet

SHEET = importlib.import_module("keras_rbi.figures.contact_sheet")


class Shades(ImageData):
    """Image number n is n everywhere; as many of class c as is said."""

    image_size = 4

    def __init__(self, counts):
        self.labels = np.repeat(np.arange(len(counts)), counts)
        self.class_names = [f"class {number} for $5" for number in range(len(counts))]

    def image(self, index):
        return np.full((4, 4, 3), index, np.uint8)


def shades(axes):
    """The grey of each place of a mosaic of 4x4 images, 3 pixels apart."""
    return axes.images[0].get_array()[1::7, 1::7, 0].tolist()


def test_rows_bars_and_batches_are_those_of_the_data():
    data = Shades([2, 0, 7, 3])
    batch = np.stack([data.image(n) for n in (5, 9, 1)]), data.labels[[5, 9, 1]]
    figure = contact_sheet(data, [batch], classes=4, images_per_class=3, title="greys")
    rows, bars, drawn = figure.axes
    # Of the seven images 2 to 8, the first, the middle and the last.
    assert shades(rows) == [[0, 1, 255], [2, 5, 8], [9, 10, 11]]
    assert [text.get_text()[-3:] for text in rows.get_yticklabels()] == ["(0)", "(2)", "(3)"]
    assert [bar.get_width() for bar in bars.patches] == [2, 0, 7, 3]
    assert bars.lines[0].get_xdata()[0] == 3.0
    assert shades(drawn) == [[5, 9, 1, *[255] * 13]]
    assert [text.get_text() for text in drawn.texts] == ["2", "3", "0"]
    assert drawn.get_title() == "batch 1: 3 images of 3 classes"


def test_of_many_classes_some_are_shown_and_all_are_counted(tmp_path):
    data = Shades([1, 3] * 20)
    rows, bars = contact_sheet(data, classes=3, images_per_class=1).axes
    names = [text.get_text().split()[-1] for text in rows.get_yticklabels()]
    assert names == ["(0)", "(20)", "(39)"]
    assert [bar.get_width() for bar in bars.patches] == [3] * 20 + [1] * 20
    for name in ("sheet.png", "sheet.svg"):
        contact_sheet(data).savefig(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000


def test_unfit_sheets_are_named():
    with pytest.raises(ValueError, match="classes=0"):
        contact_sheet(Shades([2]), classes=0)
    with pytest.raises(ValueError, match="empty"):
        contact_sheet(Shades([0]))


def command(*arguments):
    with pytest.raises(SystemExit) as ended:
        run(["datasets", "show", *arguments])
    return ended.value.code


def test_the_command_draws_the_batches_that_training_sees(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("wren", "robin"):
        (tmp_path / "birds" / name).mkdir(parents=True)
        for number in range(6):
            shade = np.full((20, 20, 3), 20 * number, np.uint8)
            Image.fromarray(shade).save(tmp_path / "birds" / name / f"{number}.png")
    figures = []

    def draw(*arguments, **settings):
        figures.append(arguments)
        return contact_sheet(*arguments, **settings)

    monkeypatch.setattr(keras_rbi.figures, "contact_sheet", draw)
    pk = ["--sampling", "pk", "--images-per-class", "2", "--batch-size", "4", "--batches", "1"]
    assert command("birds", "--out", "sheet.png", "--image-size", "16", *pk) == 0
    assert "sheet.png" in capsys.readouterr().out
    assert Image.open("sheet.png").size[0] > 1000
    data, batches, _ = figures[0]
    expected = keras_rbi.datasets.ImageSequence(
        data, sampling="pk", classes_per_batch=2, images_per_class=2, augment="paper"
    )
    expected.epoch = 1
    assert len(batches) == 1
    for shown, wanted in zip(batches[0], expected[0], strict=True):
        np.testing.assert_array_equal(shown, wanted)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["typefaces", "--out", "sheet.gif"], "sheet.gif"),
        (["typefaces", "--out", "nowhere/sheet.png"], "nowhere"),
        (["typefaces", "--sampling", "pk", "--batch-size", "6"], "--images-per-class"),
        (["typefaces", "--augment", "much"], "much"),
    ],
)
def test_mistakes_are_told_in_a_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command(*arguments) != 0
    assert message in " ".join(capsys.readouterr().err.split())


def test_the_example_gives_what_it_shows():
    results = doctest.testmod(SHEET, extraglobs={"keras_rbi": keras_rbi})
    assert results.attempted
    assert not results.failed
