"""The pages on observations and on classes that come later: commands are known, Python runs."""

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    name: (DOCS / f"{name}.md").read_text("utf-8") for name in ("observations", "adding_classes")
}
COMMANDS = [
    line for page in PAGES.values() for line in page.splitlines() if line.startswith("keras-rbi ")
]


def test_there_are_commands():
    assert len(COMMANDS) == 10


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_known(command, tmp_path, monkeypatch, ask):
    # Where there is none of what they name.
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    code, _, told = ask(*shlex.split(command)[1:])
    assert (code, len(told)) == (2, 1)
    assert re.search("There is no (folder|model)", told[0])


@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_the_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        Image.new("RGB", (20, 20)).save(f"7_{number}.jpg")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGES[page], re.DOTALL):
        exec(block, names)
    if page == "adding_classes":
        assert names["more"].class_names == ["wren", "robin", "owl", "jay"]
    else:
        assert [one.name for one in names["found"]] == ["nest 7"]
