"""A run remembers its files: changes are told, and no training goes on with others in silence."""

import json
import shutil

import pytest
import released

from keras_rbi.datasets import DatasetWarning
from keras_rbi.training import RunFolder, TrainingSettings, data_for_model, prepare


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """A run that was killed before its first epoch, and its data."""
    parent = tmp_path_factory.mktemp("data")
    for number in range(60):
        released.draw(parent / "birds" / ("wren", "robin")[number % 2] / f"{number}.png", number)
    settings = TrainingSettings(
        dataset=str(parent / "birds"), backbone="SmallCNN", image_size=16, epochs=1, augment="none"
    )
    return parent, prepare(settings, RunFolder(parent / "run"))


@pytest.fixture
def copied(started, tmp_path):
    """The same in a folder of its own, where the data may change."""
    parent, _ = started
    shutil.copytree(parent / "run", tmp_path / "run")
    shutil.copytree(parent / "birds", tmp_path / "birds")
    settings = tmp_path / "run" / "settings.json"
    content = json.loads(settings.read_text())
    content["settings"]["dataset"] = str(tmp_path / "birds")
    settings.write_text(json.dumps(content))
    return tmp_path, prepare(TrainingSettings(), RunFolder(tmp_path / "run"), resume=True)


def added(folder, run):
    for number in range(20):
        released.draw(folder / "birds" / "wren" / f"new{number}.png", number)
    return "added"


def gone(folder, run):
    run.training.data.paths[0].unlink()
    return "1 gone"


def replaced(folder, run):
    path = run.training.data.paths[0]
    path.write_bytes(path.read_bytes() + b"more")
    return "1 with another content"


def relabelled(folder, run):
    path = next(path for path in run.training.data.paths if path.parent.name == "wren")
    path.rename(folder / "birds" / "robin" / path.name)
    return "1 gone"


@pytest.mark.parametrize("change", [added, gone, replaced, relabelled])
def test_a_run_is_not_resumed_with_other_training_images(copied, change):
    folder, run = copied
    message = change(folder, run)
    with pytest.raises(ValueError, match=f"images have changed.*{message}.*--allow-changed-data"):
        prepare(TrainingSettings(), RunFolder(folder / "run"), resume=True)
    prepare(TrainingSettings(), RunFolder(folder / "run"), True, allow_changed_data=True)
    # Which is remembered.
    prepare(TrainingSettings(), RunFolder(folder / "run"), resume=True)


def test_changed_test_images_are_told_when_they_are_measured(copied):
    folder, run = copied
    run.test.data.paths[0].unlink()
    with pytest.warns(DatasetWarning, match=r"test images have changed.*1 gone \("):
        data_for_model(folder / "run", run.model, run.training.class_names)


def test_other_classes_in_another_order_are_brought_to_that_of_the_model(copied):
    folder, run = copied
    names = run.training.class_names
    test, _ = data_for_model(folder / "run", run.model, names[::-1])
    assert test.class_names == names[::-1]
    for path, label in zip(test.data.paths, test.data.labels, strict=True):
        assert path.parent.name == test.class_names[label]
