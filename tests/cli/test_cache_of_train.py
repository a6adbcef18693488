"""`keras-rbi train --cache`, and images that turn out broken in the middle of a run."""

import json
from pathlib import Path

import numpy as np
import pytest
import released
from PIL import Image

from keras_rbi.cli.main import run
from keras_rbi.training import TrainingSettings

pytestmark = pytest.mark.usefixtures("untraced")

QUICK = ["--backbone", "SmallCNN", "--image-size", "16", "--epochs", "1", "--batch-size", "8"]


def command(*arguments):
    with pytest.raises(SystemExit) as ended:
        run([str(argument) for argument in arguments])
    return ended.value.code


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = ["path,label"]
    for number in range(24):
        released.draw(tmp_path / "photos" / f"{number}.jpg", number)
        rows.append(f"photos/{number}.jpg,{number % 2}")
    (tmp_path / "birds.csv").write_text("\n".join(rows))
    return tmp_path


def test_decoded_images_are_kept_where_the_user_says(table):
    cache = ["--cache", "disk", "--cache-dir", "kept"]
    assert command("train", "--dataset", "birds.csv", *cache, *QUICK) == 0
    (file,) = Path("kept").iterdir()
    assert np.load(file, mmap_mode="r")["key"].any(axis=1).all()
    settings = json.loads(Path("runs/birds.csv-1/metrics.json").read_text())["settings"]
    assert (settings["cache"], settings["cache_dir"]) == ("disk", str(table / "kept"))


def test_a_file_that_breaks_off_ends_a_run_with_its_path(table, capsys):
    for number in range(24):
        path = table / "photos" / f"{number}.jpg"
        pixels = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(path)
        path.write_bytes(path.read_bytes()[:-200])
    assert command("train", "--dataset", "birds.csv", *QUICK) == 2
    error = capsys.readouterr().err
    assert "jpg' cannot be read as an image" in error
    assert "truncated" in error


@pytest.mark.parametrize(
    "change", [{"cache": "disk"}, {"source": "tfds"}, {"on_error": "skip"}, {"cache_dir": "x"}]
)
def test_the_typefaces_take_no_arguments_of_files(change):
    with pytest.raises(ValueError, match=f"typefaces are rendered.*{next(iter(change))}="):
        TrainingSettings(**change).resolved()


def test_unfit_caches_are_named():
    with pytest.raises(ValueError, match="cache='tape'"):
        TrainingSettings(dataset="birds", cache="tape").resolved()
