"""The page that shows the method: its code is that of the tests and of the library."""

import re
from pathlib import Path

import literal

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "design.md").read_text("utf-8")


def blocks(kind):
    return [
        each.rstrip()
        for block in re.findall(rf"```{{ \.python \.{kind} }}\n(.*?)```", PAGE, re.DOTALL)
        for each in block.split("\n\n\n")
    ]


def test_the_equations_are_those_that_the_layers_are_compared_with():
    text = Path(literal.__file__).read_text("utf-8")
    shown = blocks("literal")
    assert len(shown) == 12
    assert [each for each in shown if each not in text] == []
    lines = [line for each in shown for line in each.splitlines() if line.strip()]
    assert 60 <= len(lines) <= 80


def test_the_layers_code_is_that_of_the_library():
    layers = r"`(keras_rbi/\S+)`:\n\n```{ \.python \.layer }\n(.*?)```"
    for file, block in re.findall(layers, PAGE, re.DOTALL):
        text = (ROOT / file).read_text("utf-8")
        assert [each for each in block.split("\n\n\n") if each.rstrip() not in text] == []
    assert len(blocks("layer")) == 5
