"""Seeds that are given twice or out of range, and the spread of one run."""

import io
import json

import pytest

from keras_rbi.cli.main import run
from keras_rbi.cli.output import PrintableConsole
from keras_rbi.cli.report import report_seeds
from keras_rbi.training import TrainingSettings

HUGE = "99999999999999999999999"


def ended(capsys, *words):
    with pytest.raises(SystemExit) as end:
        run(list(words))
    captured = capsys.readouterr()
    return end.value.code, captured.out + captured.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "--seeds", "0", "1", "0"], ["--seeds", "0", "twice"]),
        (["train", "--seeds", "0", HUGE], ["--seeds", HUGE, "4294967295"]),
        (["train", "--seed", HUGE], ["--seed", HUGE, "4294967295"]),
        (["evaluate", "run", "--seed", HUGE], ["--seed", HUGE, "4294967295"]),
        (["compare", "one", "other", "--seed", HUGE], ["--seed", HUGE, "4294967295"]),
        (["datasets", "show", "birds", "--seed", HUGE], ["--seed", HUGE, "4294967295"]),
        (["datasets", "leaks", "birds", "--seed", HUGE], ["--seed", HUGE, "4294967295"]),
        (["datasets", "doubtful", "birds", "--seed", HUGE], ["--seed", HUGE, "4294967295"]),
    ],
)
def test_seeds_that_cannot_be_are_named(words, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, text = ended(capsys, *words)
    text = "".join(text.split())
    assert code == 2
    assert all(word in text for word in told), text
    assert not list(tmp_path.iterdir())


def test_a_setting_names_itself():
    with pytest.raises(ValueError, match=r"`seed` must be in .*4294967295.*seed=4294967296"):
        TrainingSettings(dataset="typefaces", seed=2**32).resolved()
    assert TrainingSettings(dataset="typefaces", seed=2**32 - 1).resolved().seed == 2**32 - 1


def test_one_run_has_no_spread(tmp_path, monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr("keras_rbi.cli.report.console", PrintableConsole(file=shown))
    metrics = {"test_accuracy": 0.5, "test_images": 8, "settings": {}}
    report_seeds(tmp_path, [3], [metrics])
    assert json.loads((tmp_path / "seeds.json").read_text())["standard_deviation"] is None
    assert "50.0" in shown.getvalue()
    assert "±" not in shown.getvalue()
