import numpy as np
import pytest

from keras_rbi.evaluation import confused_figure, confusion_figure, mistakes

# Class 0: right, right, taken for 1 twice. Class 1: right. Class 2: taken for 0. Class 3: none.
LABELS = np.array([0, 0, 0, 0, 1, 2])
PREDICTIONS = np.array([0, 1, 0, 1, 1, 0])
SURENESS = np.array([0.9, 0.6, 0.8, 0.7, 0.9, 0.5])
OUTPUTS = np.eye(4)[PREDICTIONS] * SURENESS[:, None]
NAMES = ["owl", "wren", "c$", "none"]


def test_classes_and_pairs_by_hand():
    found = mistakes(OUTPUTS, LABELS, NAMES)
    expected = [[2, 2, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(found.confusion, expected)
    assert [(one.name, one.images, one.top1) for one in found.classes] == [
        ("owl", 4, 0.5),
        ("wren", 1, 1.0),
        ("c$", 1, 0.0),
    ]
    first, second = found.confused
    assert (first.name, first.taken_for_name, first.images, first.share) == ("owl", "wren", 2, 0.5)
    # The surest mistake first.
    assert first.examples == (3, 1)
    assert (second.label, second.taken_for, second.examples) == (2, 0, (5,))
    assert len(mistakes(OUTPUTS, LABELS, pairs=1).confused) == 1


def test_a_model_without_mistakes_confuses_nothing():
    assert mistakes(np.eye(4)[LABELS], LABELS).confused == ()


def test_the_matrix_is_ordered_by_coarse_label(tmp_path):
    found = mistakes(OUTPUTS, LABELS, NAMES)
    figure = confusion_figure(found.confusion, NAMES, np.array([1, 0, 1, 0]), ["x", "y"], "title")
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["wren", "none", "owl", r"c\$"]
    shown = axes.images[0].get_array()
    np.testing.assert_allclose(shown[2], [50.0, 0.0, 50.0, 0.0])
    assert len(axes.lines) == 2
    assert "coarse" in axes.get_xlabel()
    figure.savefig(tmp_path / "confusion.svg")


def test_many_classes_show_the_names_of_groups():
    count = 70
    figure = confusion_figure(
        np.eye(count, dtype=int), [""] * count, np.arange(count) // 35, ["x", "y"]
    )
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["x", "y"]
    assert figure.axes[0].get_xticks() == pytest.approx([17, 52])


def test_confused_images_are_those_of_the_pairs(tmp_path):
    found = mistakes(OUTPUTS, LABELS, NAMES)
    images = np.arange(6)[:, None, None, None] * np.ones((6, 4, 4, 3))
    figure = confused_figure(found.confused, lambda number: images[number])
    drawn = [int(axes.images[0].get_array()[0, 0, 0]) for axes in figure.axes if axes.images]
    assert drawn == [3, 1, 5]
    assert "owl\ntaken for\nwren\n2 (50 %)" in figure.axes[0].get_ylabel()
    figure.savefig(tmp_path / "confused.png")
