"""Training runs on small trees in the layouts of released sets."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import released
from complaints import complaints

from keras_rbi.cli.main import run
from keras_rbi.training import TrainingSettings, load_split

pytestmark = pytest.mark.usefixtures("untraced")

QUICK = ["--backbone", "SmallCNN", "--image-size", "16", "--epochs", "1", "--batch-size", "8"]


def command(*arguments):
    with pytest.raises(SystemExit) as ended:
        run([str(argument) for argument in arguments])
    return ended.value.code


def test_birds_train_from_their_archive(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    released.cub_200_2011(tmp_path / "made")
    Path("data").mkdir()
    with tarfile.open("data/CUB_200_2011.tgz", "w:gz") as archive:
        archive.add("made/CUB_200_2011", "CUB_200_2011")
    assert command("train", "--dataset", "cub_200_2011", "--data-dir", "data", *QUICK) == 0
    output = capsys.readouterr()
    # Three splits are loaded; what differs in all of them is told once.
    assert output.err.count("Warning: Caltech-UCSD Birds") == 1
    assert "3 classes instead of 200" in output.err
    folder = tmp_path / "runs" / "cub_200_2011-1"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["settings"]["dataset"] == "cub_200_2011"
    assert metrics["settings"]["data_dir"] == str(tmp_path / "data")
    assert metrics["test_images"] == 6
    assert metrics["test_note"] is None
    content = json.loads((folder / "settings.json").read_text())
    assert content["class_names"][0] == "Black footed Albatross"
    assert command("evaluate", folder, "--batch-sizes", "4", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["accuracy"]
    assert rows[0] == metrics["test_accuracy_by_relations"][0]


def test_wherever_a_number_on_dogs_is_printed_it_says_where_they_come_from(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    released.stanford_dogs(tmp_path / "data")
    note = "The test images of Stanford Dogs come from ImageNet"
    assert command("train", "--dataset", "stanford_dogs", "--data-dir", "data", *QUICK) == 0
    assert note in " ".join(capsys.readouterr().out.split())
    folder = tmp_path / "runs" / "stanford_dogs-1"
    assert json.loads((folder / "metrics.json").read_text())["test_note"].startswith(note)
    for arguments in ([], ["--json"]):
        assert command("evaluate", folder, "--batch-sizes", "4", *arguments) == 0
        assert note in " ".join(capsys.readouterr().out.split())


def test_a_table_trains_and_unreadable_images_are_skipped(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = ["path,label"]
    for number in range(24):
        released.draw(tmp_path / "photos" / f"{number}.png", number)
        rows.append(f"photos/{number}.png,{number % 2}")
    (tmp_path / "photos" / "5.png").write_text("words")
    (tmp_path / "birds.csv").write_text("\n".join(rows))
    assert command("train", "--dataset", "birds.csv", *QUICK) == 2
    assert "5.png" in capsys.readouterr().err
    assert command("train", "--dataset", "birds.csv", "--on-error", "skip", *QUICK) == 0
    assert "Warning: 1 of " in capsys.readouterr().err
    assert (tmp_path / "runs" / "birds.csv-1" / "model.keras").is_file()


@pytest.mark.filterwarnings("ignore:.* is not as it should be")
@pytest.mark.parametrize("name", released.RELEASED)
def test_every_set_gives_batches(name, tmp_path):
    _, expected = released.RELEASED[name](tmp_path)
    settings = TrainingSettings(
        dataset=name, data_dir=str(tmp_path), backbone="SmallCNN", image_size=16
    ).resolved()
    test = load_split(settings, "test")
    images, labels = test[0]
    assert images.shape[1:] == (16, 16, 3)
    assert images.dtype == np.uint8
    wanted = [label for label, split in expected.values() if split == "test"]
    assert sorted(labels.tolist()) == sorted(wanted)


def test_photographs_have_the_defaults_of_photographs():
    settings = TrainingSettings(dataset="nabirds", data_dir="x").resolved()
    assert (settings.backbone, settings.dataset, settings.epochs) == (
        "EfficientNetLite0",
        "nabirds",
        10,
    )
    assert Path(settings.data_dir).is_absolute()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "nabirds"], "Say where NABirds lies"),
        (["--dataset", "nabirds", "--data-dir", "x"], "nabirds.tar.gz"),
        (["--dataset", "nabirds", "--data-dir", "x", "--download"], "allaboutbirds"),
        (["--dataset", "birds", "--download"], "no address"),
        (["--data-dir", "x"], "typefaces are rendered"),
        (["--dataset", "nabirds", "--on-error", "ignore"], "on_error='ignore'"),
        (["--resume", "--download"], "--download, or start a new run"),
    ],
)
def test_mistakes_get_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command("train", *arguments, "--backbone", "SmallCNN") == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(complaints(error)) == 1
    assert list(tmp_path.iterdir()) == []
