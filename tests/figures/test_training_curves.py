import pytest

from keras_rbi.figures import training_curves


def test_curves_are_those_of_the_history(tmp_path):
    history = {"loss": [2.0, 1.0], "accuracy": [0.25, 0.5], "val_loss": [2.5, 1.5]}
    figure = training_curves(history, "a run")
    loss, accuracy = figure.axes
    assert [line.get_ydata().tolist() for line in loss.lines] == [[2.0, 1.0], [2.5, 1.5]]
    assert [line.get_xdata().tolist() for line in loss.lines] == [[1, 2], [1, 2]]
    assert [line.get_ydata().tolist() for line in accuracy.lines] == [[25.0, 50.0]]
    assert {text.get_text() for text in loss.get_legend().get_texts()} == {
        "training",
        "validation",
    }
    for name in ("curves.png", "curves.svg"):
        figure.savefig(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000


def test_an_empty_history_is_named():
    with pytest.raises(ValueError, match="no epoch"):
        training_curves({"accuracy": []})
