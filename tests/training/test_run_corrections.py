"""A run with corrected labels: it trains with them, keeps them, and is measured with them."""

import hashlib
import json

import pytest
import released

from keras_rbi.datasets import DatasetWarning
from keras_rbi.training import RunFolder, TrainingSettings, data_for_model, prepare
from keras_rbi.training.run_files import read_files

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*labels are replaced"),
    pytest.mark.usefixtures("untraced"),
]


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """A run before its first epoch, on data of which all of one image's label is corrected."""
    parent = tmp_path_factory.mktemp("data")
    for number in range(60):
        released.draw(parent / "birds" / ("wren", "robin")[number % 2] / f"{number}.png", number)
    table = parent / "suspects.csv"
    rows = [f"wren/{number}.png,wren,robin" for number in range(0, 60, 10)]
    table.write_text("\n".join(["path,given,corrected", *rows, "robin/1.png,robin,remove"]))
    settings = TrainingSettings(
        dataset=str(parent / "birds"),
        corrections=str(table),
        backbone="SmallCNN",
        image_size=16,
        epochs=1,
        augment="none",
        batch_size=8,
    )
    run = prepare(settings, RunFolder(parent / "run"))
    content = table.read_bytes()
    # Whatever becomes of it.
    table.unlink()
    return parent, run, content


def test_it_trains_with_them(started):
    _, run, _ = started
    found = {
        file: data.class_names[label]
        for data in (run.training.data, run.validation.data, run.test.data)
        for file, label in zip(data.files, data.labels, strict=True)
    }
    assert len(found) == 59
    changed = {file for file, name in found.items() if not file.startswith(name)}
    assert changed == {f"wren/{number}.png" for number in range(0, 60, 10)}


def test_it_remembers_them(started):
    parent, _, content = started
    assert (parent / "run" / "corrections.csv").read_bytes() == content
    settings, _ = RunFolder(parent / "run").read_settings()
    assert settings.corrections == str(parent / "run" / "corrections.csv")
    stored = json.loads((parent / "run" / "settings.json").read_text())["settings"]
    assert stored["corrections"] == str(parent / "suspects.csv")
    labels = {
        file: label
        for split in ("train", "validation", "test")
        for file, (label, _) in read_files(parent / "run" / "files.csv.gz", split).items()
    }
    assert labels["wren/10.png"] == "robin"
    assert "robin/1.png" not in labels


def test_it_is_resumed_and_measured_with_them(started):
    parent, run, content = started
    resumed = prepare(TrainingSettings(), RunFolder(parent / "run"), resume=True)
    assert resumed.training.data.files == run.training.data.files
    assert resumed.training.data.labels.tolist() == run.training.data.labels.tolist()
    with pytest.warns(DatasetWarning, match=r"corrections\.csv: 6 labels are replaced, 1 images"):
        test, _ = data_for_model(parent / "run", run.model, run.training.class_names)
    assert test.data.labels.tolist() == run.test.data.labels.tolist()
    metrics = resumed.complete(verbose=0)
    assert metrics["corrections_sha256"] == hashlib.sha256(content).hexdigest()


def test_other_data_is_measured_without_them(started):
    parent, run, _ = started
    names = run.training.class_names
    test, settings = data_for_model(parent / "run", run.model, names, str(parent / "birds"))
    assert settings.corrections is None
    for file, label in zip(test.data.files, test.data.labels, strict=True):
        assert file.startswith(names[label])


def test_the_typefaces_have_none():
    with pytest.raises(ValueError, match=r"typefaces are rendered.*corrections="):
        TrainingSettings(corrections="a.csv").resolved()
