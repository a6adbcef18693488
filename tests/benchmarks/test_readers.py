"""`benchmarks/readers.py`: what is not installed is left out, and differences are seen."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the machine is told on Linux only")


@pytest.fixture
def readers(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    program = importlib.import_module("readers")
    monkeypatch.setattr(program, "SIZES", ((40, 30), (60, 40)))
    monkeypatch.setattr(program, "SIZE", 16)
    monkeypatch.setattr(program.reading, "IMAGE_SIZE", 16)
    return program


def brighter(make):
    """A decoder, and one level more of everything."""
    return lambda: lambda path: np.minimum(make()(path), 254) + 1


def test_it_writes_table_and_figures(readers, tmp_path, monkeypatch, capsys):
    pillow = readers.pillow
    peers = {
        "DECODERS": {
            "whole": ((), pillow),
            "brighter": ((), brighter(pillow)),
            "absent": (("no_such_module",), pillow),
        },
        "AUGMENTERS": {"no turn": ((), lambda: lambda image, rng: image)},
        "LOADERS": {"one by one": ((), lambda paths: map(readers.read_image, paths, [16] * 99))},
    }
    for name, value in peers.items():
        monkeypatch.setattr(readers, name, value)
    page, out = tmp_path / "page.md", tmp_path / "figures.json"
    page.write_text("before\n<!-- readers: begin -->\n<!-- readers: end -->\nafter\n")
    readers.main(["--files", "4", "--repeats", "2", "--page", str(page), "--json", str(out)])
    assert "absent: left out, no_such_module not installed." in capsys.readouterr().err
    content = json.loads(out.read_text())
    assert set(content["figures"]) == {"40 × 30", "60 × 40"}
    rows = content["figures"]["40 × 30"]
    assert set(rows["decode and resize"]) == {"whole", "brighter"}
    assert rows["decode and resize"]["whole"]["largest"] == 0
    assert rows["decode and resize"]["brighter"]["largest"] == 1
    assert rows["decode and resize"]["brighter"]["differing"] > 0.9
    assert rows["flip and rotate"]["no turn"]["speed"] > 1.0
    # Pillow alone turns nothing and clips what is deep.
    assert set(content["otherwise"]["whole"]) == {"turned by EXIF", "PNG of 16 bits"}
    lines = page.read_text().splitlines()
    assert lines[0] == "before"
    assert lines[-1] == "after"
    assert [line.split(" | ")[0] for line in lines[4:-2]] == [
        "| whole",
        "| brighter",
        "| no turn",
        "| one by one",
    ]


def test_speed_is_ours_over_theirs_turn_by_turn(readers):
    seconds = {"ours": [2.0, 4.0, 9.0], "theirs": [1.0, 4.0, 3.0]}
    assert readers.speed(seconds, "theirs") == 2.0


def test_files_that_are_taken_otherwise_are_named(readers, tmp_path):
    files = readers.odd_files(tmp_path)

    def hasty(path):
        if path == files["CMYK"]:
            raise OSError("no CMYK")
        if path == files["cut off"]:
            return np.zeros((16, 16, 3), np.uint8)
        if path == files["grey"]:
            return readers.read_image(path, 16)[..., 0]
        return readers.read_image(path, 16)

    assert readers.otherwise(hasty, files) == {
        "CMYK": "refused",
        "cut off": "taken for whole",
        "grey": "of shape (16, 16)",
    }
    with Image.open(files["PNG of 16 bits"]) as picture:
        assert picture.mode == "I;16"
