"""The installed command, in a process of its own where what it leaves is for another to read."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout

import keras
import numpy as np
import pytest
from complaints import complaints
from PIL import Image

from keras_rbi.cli import main, output

COMMAND = [sys.executable, "-m", "keras_rbi.cli.main"]
QUICK = ["--backbone", "SmallCNN", "--image-size", "16", "--per-class", "3", "--epochs", "3"]


def process(*arguments, cwd):
    environment = os.environ | {"KERAS_BACKEND": keras.config.backend(), "COLUMNS": "200"}
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def command(*arguments, cwd):
    """What `process` gives, without the seconds in which a new process imports Keras."""
    out, error = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(out),
        redirect_stderr(error),
    ):
        patch.chdir(cwd)
        patch.setattr(output.console, "width", 200)
        with pytest.raises(SystemExit) as ended:
            main.run([*map(str, arguments)])
    return subprocess.CompletedProcess(
        arguments, ended.value.code, out.getvalue(), error.getvalue()
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def trained(folder):
    done = process("train", *QUICK, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_train_leaves_a_run_folder_and_prints_what_to_do_next(trained, folder):
    run = folder / "runs" / "typefaces-1"
    assert {file.name for file in run.iterdir()} == {
        "settings.json",
        "model.keras",
        "metrics.json",
        "history.csv",
        "curves.png",
        "README.md",
        "examples",
    }
    names = json.loads((run / "settings.json").read_text())["class_names"]
    examples = list((run / "examples").glob("*/*.png"))
    assert len(examples) == 6
    assert {example.parent.name for example in examples} <= set(names)
    metrics = json.loads((run / "metrics.json").read_text())
    rows = metrics["test_accuracy_by_relations"]
    assert [(row["relations"], row["batch_size"]) for row in rows] == [
        ("self", None),
        *(("batch", size) for size in (1, 8, 32, 128)),
    ]
    assert metrics["test_accuracy"] == rows[0]["accuracy"]
    assert f"{100 * rows[0]['accuracy']:.1f}" in trained
    assert "keras-rbi predict runs/typefaces-1 runs/typefaces-1/examples\n" in trained
    assert f"\n  keras-rbi train {' '.join(QUICK)} --no-rbi\n" in trained
    assert len((run / "history.csv").read_text().splitlines()) == 4
    assert Image.open(run / "curves.png").size[0] > 500


def test_a_second_run_gets_a_folder_of_its_own(trained, folder):
    done = command("train", *QUICK, "--no-rbi", cwd=folder)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((folder / "runs" / "typefaces-2" / "metrics.json").read_text())
    assert metrics["relations"] == "none"
    assert [row["relations"] for row in metrics["test_accuracy_by_relations"]] == ["none"]


def test_predict_gives_the_models_own_answers(trained, folder):
    run = folder / "runs" / "typefaces-1"
    images = sorted((run / "examples").rglob("*.png"))
    done = command("predict", run, *images, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    predictions = json.loads(done.stdout)
    model = keras.models.load_model(run / "model.keras")
    pixels = np.stack([np.asarray(Image.open(image)) for image in images])
    expected = model.predict(pixels, verbose=0)
    assert [prediction["image"] for prediction in predictions] == [str(image) for image in images]
    for prediction, row in zip(predictions, expected, strict=True):
        top = prediction["top"]
        assert len(top) == 5
        assert top[0]["class"] == model.class_names[int(np.argmax(row))]
        probabilities = [each["probability"] for each in top]
        np.testing.assert_allclose(probabilities, np.sort(row)[::-1][:5], atol=1e-5)
    table = command("predict", run / "model.keras", images[0], cwd=folder).stdout
    assert predictions[0]["top"][0]["class"] in table


def test_evaluate_agrees_with_train(trained, folder):
    run = folder / "runs" / "typefaces-1"
    metrics = json.loads((run / "metrics.json").read_text())
    done = command(
        "evaluate",
        run,
        "--batch-sizes",
        "1,32",
        "--orders",
        "2",
        "--output",
        "measured",
        "--json",
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    rows = content["accuracy"]
    assert [(row["batch_size"], row["order"], row["orders"]) for row in content["rows"]] == [
        (None, "any", 0),
        (1, "shuffled", 2),
        (1, "sorted by class", 1),
        (32, "shuffled", 2),
        (32, "sorted by class", 1),
    ]
    assert content["rows"][0]["top1"] == rows[0]["accuracy"]
    assert json.loads((folder / "measured" / "evaluation.json").read_text()) == content
    assert len((folder / "measured" / "evaluation.csv").read_text().splitlines()) == 6
    assert Image.open(folder / "measured" / "evaluation.png").size[0] > 500
    assert rows == [
        row for row in metrics["test_accuracy_by_relations"] if row["batch_size"] in (None, 1, 32)
    ]


def test_a_model_with_references_is_evaluated_with_them_and_predicts_by_them(trained, folder):
    run = folder / "runs" / "typefaces-1"
    model = keras.models.load_model(run / "model.keras")
    pixels = np.random.default_rng(0).integers(0, 256, (44, 16, 16, 3)).astype("uint8")
    model.set_references(pixels, np.arange(44) % 22, per_class=2)
    model.relations = "references"
    model.save(run / "references.keras")
    done = command("evaluate", run / "references.keras", "--batch-sizes", "1", cwd=folder)
    assert done.returncode == 0, done.stderr
    modes = ("self", "batch", "references")
    first = [row.split()[0] for row in done.stdout.splitlines() if row.startswith(modes)]
    assert first == ["self", "batch", "batch", "references"]
    assert "shuffled ×5" in done.stdout
    assert "predicts with relations 'references'" in done.stdout
    image = sorted((run / "examples").rglob("*.png"))[0]
    done = command("predict", run / "references.keras", image, "--json", cwd=folder)
    top = json.loads(done.stdout)[0]["top"][0]
    expected = model.predict(np.asarray(Image.open(image))[None], verbose=0)[0]
    assert top["class"] == model.class_names[int(np.argmax(expected))]
    assert top["probability"] == pytest.approx(float(expected.max()), abs=1e-5)


def test_a_finished_run_is_not_trained_again(trained, folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    model = folder / "runs" / "typefaces-1" / "model.keras"
    before = model.read_bytes()
    for arguments, message in (
        (["train", "--resume", "--output", "runs/typefaces-1"], "is finished"),
        (["train", "--resume"], "all are finished"),
    ):
        with pytest.raises(SystemExit) as ended:
            main.run(arguments)
        assert ended.value.code == 2
        assert message in capsys.readouterr().err
    assert model.read_bytes() == before


def test_a_mistake_of_the_program_is_not_put_down_to_the_user(tmp_path, monkeypatch):
    from keras_rbi.training import TrainingRun

    def fail(self, *_, **__):
        raise ValueError("a bug")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(TrainingRun, "fit", fail)
    class_folders(tmp_path / "birds")
    arguments = ["train", "--dataset", "birds", "--backbone", "SmallCNN", "--image-size", "16"]
    with pytest.raises(ValueError, match="a bug"):
        main.run(arguments)


def test_an_interrupted_run_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    from keras_rbi.training import TrainingRun

    def interrupt(self, *_, **__):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(TrainingRun, "fit", interrupt)
    class_folders(tmp_path / "birds")
    with pytest.raises(SystemExit) as ended:
        main.run(["train", "--dataset", "birds", "--backbone", "SmallCNN", "--image-size", "16"])
    assert ended.value.code == 130
    assert "keras-rbi train --resume --output runs/birds-1" in capsys.readouterr().out


def class_folders(folder, names=("a", "b")):
    rng = np.random.default_rng(0)
    for name in names:
        (folder / name).mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(0, 256, (20, 20, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


# In every run, `tests/faults` kills one at a move that is known.
@pytest.mark.nightly
def test_a_killed_run_resumes_and_ends_as_if_it_had_not_been_killed(tmp_path):
    class_folders(tmp_path / "birds")
    settings = ["--dataset", "birds", "--backbone", "SmallCNN", "--image-size", "16"]
    settings += ["--epochs", "20", "--seed", "7"]
    whole = command("train", *settings, "--output", "whole", cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    killed = subprocess.Popen(
        [*COMMAND, "train", *settings, "--output", "killed"],
        cwd=tmp_path,
        env=os.environ | {"KERAS_BACKEND": keras.config.backend()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    state = tmp_path / "killed" / "checkpoint" / "state.json"
    deadline = time.monotonic() + 120
    while not state.is_file() and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert 1 <= json.loads(state.read_text())["epochs"] < 20
    done = command("predict", "killed", "whole/curves.png", cwd=tmp_path)
    assert (done.returncode, "--resume" in done.stderr) == (2, True)

    resumed = process("train", "--output", "killed", "--resume", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    expected, got = (
        json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("whole", "killed")
    )
    assert got["test_accuracy_by_relations"] == expected["test_accuracy_by_relations"]
    for name, value in expected["last_epoch"].items():
        assert got["last_epoch"][name] == pytest.approx(value, abs=1e-6)
    assert len((tmp_path / "killed" / "history.csv").read_text().splitlines()) == 21
    assert not state.parent.exists()


def test_a_folder_of_images_trains(tmp_path):
    class_folders(tmp_path / "birds")
    done = command(
        *("train", "--dataset", "birds", "--backbone", "SmallCNN", "--image-size", "16"),
        *("--epochs", "1", "--variant", "paper"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "runs" / "birds-1" / "metrics.json").read_text())
    assert metrics["relations"] == "batch"
    model = keras.models.load_model(tmp_path / "runs" / "birds-1" / "model.keras")
    assert list(model.class_names) == ["a", "b"]


def a_missing_folder(folder):
    return ["train", "--dataset", "none"], "no folder"


def a_single_class(folder):
    class_folders(folder / "single", ["a"])
    return ["train", "--dataset", "single"], "two class folders"


def an_unreadable_image(folder):
    class_folders(folder / "broken")
    (folder / "broken" / "a" / "3.png").write_bytes(b"no picture")
    return ["train", "--dataset", "broken", "--backbone", "SmallCNN"], "3.png"


def a_typo_in_the_backbone(folder):
    return ["train", "--backbone", "DensNet201"], "DenseNet201"


def a_size_too_small(folder):
    return ["train", "--backbone", "ResNet50", "--weights", "none", "--image-size", "20"], "20x20"


def missing_weights(folder):
    return ["train", "--weights", "none.weights.h5"], "none.weights.h5"


def a_variant_that_is_none(folder):
    return ["train", "--variant", "papr"], "paper"


def a_value_out_of_range(folder):
    return ["train", "--relation-dropout", "1.5"], "--relation-dropout"


def contradicting_options(folder):
    return ["train", "--no-rbi", "--variant", "paper"], "--no-rbi"


def a_recipe_that_is_none(folder):
    return ["train", "--recipe", "papr"], "'paper'"


def a_part_that_cannot_be_frozen(folder):
    return ["train", "--freeze", "head"], "'backbone' or 'stem'"


def a_frozen_backbone_with_a_learning_rate(folder):
    return ["train", "--freeze", "backbone", "--backbone-learning-rate", "1e-4"], "Leave out one"


def more_head_epochs_than_epochs(folder):
    return ["train", "--recipe", "finetune", "--epochs", "1"], "head_epochs=1 of epochs=1"


def an_unknown_option(folder):
    return ["train", "--epoch", "3"], "--epoch"


def nothing_to_resume(folder):
    return ["train", "--resume"], "no run to resume"


def a_folder_that_is_no_run(folder):
    (folder / "other").mkdir()
    return ["train", "--resume", "--output", "other"], "not the folder of a training run"


def a_folder_in_use(folder):
    class_folders(folder / "used")
    return ["train", "--output", "used"], "not empty"


def a_missing_model(folder):
    return ["predict", "none.keras", "none.png"], "no model"


def a_model_that_is_none(folder):
    (folder / "x.keras").write_bytes(b"no model")
    class_folders(folder / "birds")
    return ["predict", "x.keras", "birds"], "x.keras"


BAD_INPUT = [
    a_missing_folder,
    a_single_class,
    an_unreadable_image,
    a_typo_in_the_backbone,
    a_size_too_small,
    missing_weights,
    a_variant_that_is_none,
    a_value_out_of_range,
    contradicting_options,
    a_recipe_that_is_none,
    a_part_that_cannot_be_frozen,
    a_frozen_backbone_with_a_learning_rate,
    more_head_epochs_than_epochs,
    an_unknown_option,
    nothing_to_resume,
    a_folder_that_is_no_run,
    a_folder_in_use,
    a_missing_model,
    a_model_that_is_none,
]


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_gets_one_line(case, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, message = case(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as ended:
        main.run(arguments)
    error = capsys.readouterr().err
    assert ended.value.code == 2
    (line,) = complaints(error)
    assert line.startswith("Error: ")
    assert message in line
    assert sorted(tmp_path.rglob("*")) == before


def test_bad_images_for_a_trained_model_get_one_line(trained, folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    class_folders(folder / "birds")
    for arguments, message in (
        (["predict", "runs/typefaces-1", "none.png"], "none.png"),
        (["evaluate", "runs/typefaces-1", "--dataset", "birds"], "other classes"),
        (["evaluate", "runs/typefaces-1", "--batch-sizes", "1,x"], "1,x"),
    ):
        with pytest.raises(SystemExit) as ended:
            main.run(arguments)
        error = capsys.readouterr().err
        assert ended.value.code == 2
        assert message in error
        assert len(complaints(error)) == 1


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit) as ended:
        main.run(["train", "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    first = ("--dataset", "--no-rbi", "--resume", "--weights", "--seed", "--recipe", "--help-all")
    rest = ("--freeze", "--head-epochs", "--ema", "--mixup", "--warmup-epochs")
    for option in first:
        assert option in text
    assert not [option for option in rest if option in text]
    with pytest.raises(SystemExit) as ended:
        main.run(["train", "--help-all"])
    assert ended.value.code == 0
    everything = capsys.readouterr().out
    for option in (*first, *rest):
        assert option in everything


def test_backbones_are_listed(folder):
    done = command("backbones", cwd=folder)
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if "DenseNet201" in line)
    assert line.split() == ["DenseNet201", "18.32", "1920", "224", "downloaded"]


def test_backbones_are_searched_and_given_as_json(folder):
    done = command("backbones", "convnext", "--json", cwd=folder)
    assert {info["name"] for info in json.loads(done.stdout)} == {
        f"ConvNeXt{size}" for size in ("Tiny", "Small", "Base", "Large", "XLarge")
    }
    nothing = command("backbones", "convnixt", cwd=folder)
    assert nothing.returncode == 2
    assert nothing.stderr.strip().endswith("Leave it out to see them all.")
