"""The page on scaling: its commands are understood, and its arithmetic is right."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text("utf-8")
COMMANDS = [
    found[1] for found in re.finditer(r"(?:keras-rbi|-m keras_rbi) (train .*)", PAGE)
]  # fmt: skip
PIXELS, FEATURES, DEVICES = 224 * 224 * 3, 1024, 16
UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9}


class Prepared(Exception):  # noqa: N818, the end of what is tested, not an error
    pass


def test_commands_are_understood(tmp_path, monkeypatch):
    from keras_rbi.cli.main import run

    prepared = []

    def read(settings, *_):
        prepared.append(settings)
        raise Prepared

    monkeypatch.chdir(tmp_path)
    module = importlib.import_module("keras_rbi.cli.train_run")
    monkeypatch.setattr(module, "read_training_data", read)
    assert len(COMMANDS) == 6
    for number, command in enumerate(COMMANDS):
        words = shlex.split(command)
        if "--output" in words:
            words[words.index("--output") + 1] = f"run-{number}"
        with pytest.raises(Prepared):
            run(words)
        assert prepared[-1].batch_size in (256, 512)


def value(text):
    number, _, unit = text.partition(" ")
    return float(number) * UNITS.get(unit, 1.0)


def test_the_arithmetic_is_right():
    rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if re.match(r"\| \d", line)]
    assert [int(row[0]) for row in rows] == [32, 256, 1024, 4096, 16384, 65536]
    for row in rows:
        batch = int(row[0])
        expected = [
            batch**2 * PIXELS,
            4 * batch * FEATURES**2 + 2 * batch**2 * FEATURES,
            4 * batch * PIXELS,
            4 * batch**2,
            batch / DEVICES * 32 * PIXELS,
        ]
        assert [value(cell) for cell in row[1:]] == pytest.approx(expected, rel=0.04)
