"""`benchmarks/data.py` runs, and its memory and waiting are measured as they are."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured on Linux only")


@pytest.fixture
def data(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    program = importlib.import_module("data")
    monkeypatch.setattr(program, "SIZES", ((40, 30), (60, 40)))
    monkeypatch.setattr(program, "IMAGE_SIZE", 16)
    monkeypatch.setattr(program, "EPOCH_BATCHES", 2)
    return program


def test_it_writes_its_figures(data, tmp_path, capsys):
    out = tmp_path / "figures.json"
    data.main(["--files", "20", "--repeats", "2", "--images", "40", "--json", str(out)])
    content = json.loads(out.read_text())
    assert set(content["figures"]) == {"40x30", "60x40", "all"}
    figures = content["figures"]["all"]
    assert figures["images"] == 40
    assert figures["epoch"] == 80
    for ratios, seconds in (("ratios", "seconds"), ("processor_ratios", "processor_seconds")):
        for name, values in figures[ratios].items():
            expected = np.divide(figures[seconds]["pillow"], figures[seconds][name])
            np.testing.assert_allclose(values, expected)
    seconds = {name: np.array(times) for name, times in figures["seconds"].items()}
    for ratio, ours in (
        ("ratio", "ours"),
        ("plain_ratio", "without augmentation"),
        ("cached_ratio", "from the second epoch on"),
    ):
        expected = np.median(seconds["pillow"] / seconds[ours])
        assert figures[ratio] == pytest.approx(expected)
    assert content["memory"]["images"] == 40
    assert len(content["targets"]) == 5
    assert "of Pillow's rate" in capsys.readouterr().out


def test_both_read_the_same_files(data, tmp_path):
    paths = data.make_files(tmp_path, 3, data.SIZES)
    with Image.open(paths[1]) as picture:
        assert picture.size == (60, 40)
    images, _ = data.sequence_of(paths, None)[0]
    expected = {data.decode_with_pillow(path).tobytes() for path in paths}
    assert {image.tobytes() for image in images} == expected
