"""What a terminal would obey is shown instead, wherever it comes from."""

import ast
import doctest
import io
import re
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.table import Table

import keras_rbi.cli
from keras_rbi.cli import output
from keras_rbi.cli.main import run
from keras_rbi.cli.output import PrintableConsole, doing, marked, one_line, printable

# Sets the title of the terminal, moves, deletes, rings, and turns the direction of the text.
HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\x9b31m\u202egnp.exe"
OWN_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def obeyed(text):
    """What a terminal obeys in a text, but for the ends of lines."""
    return [each for each in text if not each.isprintable() and each != "\n"]


def test_what_is_shown_is_a_python_literal_of_what_it_is():
    shown = printable(HOSTILE)
    assert not obeyed(shown)
    assert ast.literal_eval(f"'{shown}'") == HOSTILE
    assert printable("père, 鷦鷯, rouge-gorge\n\t50 %") == "père, 鷦鷯, rouge-gorge\n\t50 %"
    assert printable("\udcff.png") == "\\udcff.png"
    assert one_line("a\nb\tc") == "a\\nb\\tc"
    assert doctest.testmod(output).failed == 0


def test_a_terminal_obeys_the_console_alone(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    file = io.StringIO()
    console = PrintableConsole(file)
    assert console.is_terminal
    table = Table(title=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    console.print(table)
    console.print(f"{HOSTILE} [bold]x[/] [/y] :bird:")
    console.print(f"[bold]{marked(HOSTILE + '[/z]')}[/bold]", markup=True)
    text = file.getvalue()
    assert "\x1b[1m" in text
    left = OWN_COLOURS.sub("", text)
    assert not obeyed(left)
    assert "[bold]x[/] [/y] :bird:" in left
    assert "[/z]" in left
    assert left.count("owned") == 5
    # The rows of a table are as wide as each other.
    assert len({len(line) for line in left.splitlines() if line[:1] in "┏┃┡│└"}) == 1


def test_progress_in_a_terminal_obeys_itself_alone(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    file = io.StringIO()
    monkeypatch.setattr(output, "errors", PrintableConsole(file))
    with doing(f"Loading {HOSTILE}[/x]"), output.progress_bars("Looking at {}") as progress:
        progress(HOSTILE + "[/x]", 1, 2)
    text = file.getvalue()
    for each in ("\x1b]", "\x07", "\x9b", "\u202e"):
        assert each not in text
    assert "owned" in text


def test_what_comes_before_the_first_thing_is_told(monkeypatch, capsys):
    monkeypatch.setattr(output, "PATIENCE", 0.05)
    with output.progress_bars("Looking at {}", "Listing the images") as progress:
        time.sleep(0.5)
        assert capsys.readouterr().err == "Listing the images ...\n"
        progress("train", 1, 2)
        progress("train", 2, 2)
    assert capsys.readouterr().err == "Looking at train (2) ...\n"
    with output.doing("Listing", 0.05):
        pass
    time.sleep(0.2)
    assert capsys.readouterr().err == ""
    file = io.StringIO()
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(output, "errors", PrintableConsole(file))
    with output.progress_bars("Looking at {}", "Listing the images") as progress:
        time.sleep(0.3)
        assert "Listing the images" in file.getvalue()
        progress("train", 1, 2)
    assert "Listing the images" not in file.getvalue().rpartition("Looking at train")[2]


@pytest.fixture
def birds(tmp_path, monkeypatch):
    """Class folders whose names are hostile."""
    for number, name in enumerate((f"a{HOSTILE}[bold]", "=cmd|' calc'!A0")):
        (tmp_path / "birds" / name).mkdir(parents=True)
        for image in range(4):
            pixels = np.full((8, 8, 3), 40 * number + image, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "birds" / name / f"{image}{HOSTILE}.png")
    (tmp_path / "birds" / name / f"broken{HOSTILE}[red].png").write_bytes(b"\x89PNG\r\n\x1a\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        ["datasets", "check", "birds", "--decode"],
        ["datasets", "check", f"birds/{HOSTILE}"],
        ["datasets", "leaks", "birds", "--splits", "train,train", "--on-error", "skip"],
        ["train", "--dataset", "birds", "--backbone", HOSTILE],
        ["train", "--dataset", "birds", "--backbone", "SmallCNN", "--epochs", "1"],
        ["train", "--resume", "--output", HOSTILE],
        ["predict", HOSTILE, "birds"],
        ["evaluate", f"{HOSTILE}[/x]"],
        ["export", HOSTILE, "--format", HOSTILE],
        ["explain", HOSTILE, "birds", "--output", f"{HOSTILE}/x.html"],
    ],
    ids=lambda words: " ".join(words)[:20],
)
def test_commands_say_nothing_that_a_terminal_obeys(command, birds, capsys):
    with pytest.raises(SystemExit) as ended:
        run(command)
    printed = capsys.readouterr()
    assert ended.value.code in (1, 2)
    assert not obeyed(printed.out + printed.err)
    assert "\\x1b" in printed.out + printed.err


def test_all_printing_goes_through_one_place():
    folder = Path(keras_rbi.cli.__file__).parent
    allowed = {("output.py", "print"), ("common_options.py", "print"), ("main.py", "print")}
    found = {
        (path.name, call.func.id)
        for path in folder.glob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("print", "Console", "escape")
    }
    assert found - {("output.py", "escape")} == allowed


@pytest.mark.parametrize("command", ["backbones", "datasets"])
def test_what_to_do_next_is_no_result(command, capsys):
    printed = []
    for options in ([], ["--quiet"]):
        with pytest.raises(SystemExit):
            run([command, *options])
        printed.append(capsys.readouterr().out)
    whole, quiet = printed
    assert whole.splitlines()[-1].startswith("Next: keras-rbi train ")
    assert quiet.splitlines() == whole.splitlines()[:-1]
