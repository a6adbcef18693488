"""The page of a check: warnings first, pictures of the classes, the command last, all escaped."""

import base64
import io
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
import released
from PIL import Image

from keras_rbi.cli.main import run
from keras_rbi.datasets.files.checks import check
from keras_rbi.datasets.files.image_folder import read_folder
from keras_rbi.datasets.files.overview import overview
from keras_rbi.datasets.files.reading import read_image
from keras_rbi.figures import check_report
from keras_rbi.figures.check_report import SIDE

NASTY = "<b>&'robin\""


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if data.strip():
            self.text.append(data.strip())


@pytest.fixture
def birds(tmp_path):
    for number in range(24):
        name = ("wren", NASTY, "owl")[number % 3]
        released.draw(tmp_path / "birds" / name / f"{number}.png", number)
    shutil.copy(tmp_path / "birds/wren/0.png", tmp_path / "birds/owl/zero.png")
    return tmp_path / "birds"


def page_of(folder, **arguments):
    records = read_folder(folder)
    report = check_report(
        records, check(records), overview(records), "keras-rbi train", **arguments
    )
    reader = Reader()
    reader.feed(report.html())
    return reader, report.html()


def test_warnings_come_first_and_the_command_last(birds):
    reader, page = page_of(birds)
    names = [attrs["id"] for tag, attrs in reader.tags if tag == "section"]
    assert names == ["warnings", "splits", "classes", "images", "equal", "contact-sheet", "train"]
    assert reader.text[-1] == "keras-rbi train"
    assert any("several classes" in text for text in reader.text)
    assert not re.search(r"https?://|<link|<script|url\(", page)
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page


def test_names_are_escaped(birds):
    reader, _ = page_of(birds)
    assert "b" not in {tag for tag, _ in reader.tags}
    assert any(f"{NASTY} (8)" in text for text in reader.text)


def test_pictures_are_those_of_the_classes_and_say_what_they_show(birds):
    reader, _ = page_of(birds, classes=2, images_per_class=3)
    pictures = [attrs for tag, attrs in reader.tags if tag == "img"]
    assert len(pictures) == 6
    assert "2 of 3 classes, at most 3 images of each" in " ".join(reader.text)
    for attrs in pictures:
        name, file = attrs["alt"].split(": ")
        assert file.startswith(f"{name}/")
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(attrs["src"].split(",")[1]))))
        expected = read_image(birds / file, SIDE)
        assert np.abs(shown.astype(int) - expected).mean() < 8


def test_bars_are_as_long_as_the_classes_are_large(birds):
    _, page = page_of(birds)
    widths = re.findall(r'<span style="width: ([\d.]+)%">', page)
    assert widths == ["100.0", "88.9", "88.9"]


def test_an_image_that_cannot_be_read_is_told_in_its_place(birds):
    (birds / "owl" / "bad.png").write_text("words")
    reader, _ = page_of(birds, images_per_class=99)
    assert "owl: owl/bad.png cannot be read" in reader.text


def test_the_command_writes_the_page_whatever_files_are_called(birds, tmp_path, capsys):
    path = birds / "owl" / b"\xff.png".decode("utf-8", "surrogateescape")
    released.draw(path, 77)
    page = tmp_path / "page.html"
    with pytest.raises(SystemExit) as ended:
        run(["datasets", "check", str(birds), "--html", str(page)])
    assert ended.value.code == 0
    assert "keras-rbi train --dataset" in page.read_text("utf-8")
    assert str(page) in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        run(["datasets", "check", str(birds), "--html", "page.pdf"])
    assert ended.value.code == 2
    assert "--html must be an .html file" in capsys.readouterr().err
