"""What a newcomer meets: a command that starts at once, is quiet, and says what it does."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HEAVY = ("keras", "numpy", "matplotlib", "scipy", "tensorflow", "jax", "torch")
COMMANDS = [
    ["--help"],
    ["--version"],
    ["datasets"],
    ["backbones"],
    ["train", "--help"],
    ["train", "--help-all"],
    ["predict", "--help"],
    ["evaluate", "--help"],
    ["add-classes", "--help"],
    ["export", "--help"],
    ["explain", "--help"],
    ["serve", "--help"],
    ["datasets", "check", "--help"],
    ["datasets", "doubtful", "--help"],
    ["train", "--epoch", "3"],
    ["train", "--dataset", "nowhere"],
    ["train", "--backbone", "DensNet201"],
    ["predict", "nowhere", "photo.jpg"],
    ["evaluate", "nowhere"],
    ["add-classes", "nowhere", "birds"],
    ["compare", "nowhere", "nowhere"],
    ["explain", "nowhere", "."],
    ["datasets", "doubtful", "nowhere"],
    ["export", "nowhere"],
]
# As the installed script runs it.
PROGRAM = """
import sys
import keras_rbi_command
try:
    keras_rbi_command.run({arguments!r})
finally:
    print([name for name in {heavy!r} if getattr(sys.modules.get(name), "__file__", None)])
"""


def python(code, cwd, **variables):
    environment = {**os.environ, **variables}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_backend_is_imported_to_parse(arguments, tmp_path):
    begin = time.monotonic()
    done = python(PROGRAM.format(arguments=arguments, heavy=HEAVY), tmp_path)
    seconds = time.monotonic() - begin
    imported = done.stdout.splitlines()[-1]
    assert imported == "[]"
    assert seconds < 5
    fails = "nowhere" in arguments or {"--epoch", "DensNet201"} & set(arguments)
    assert done.returncode == (2 if fails else 0), done.stderr
    assert len(done.stderr.splitlines()) == (1 if fails else 0)


def test_importing_the_package_registers_its_classes(tmp_path):
    """And imports neither Matplotlib nor any data set's reader."""
    code = """
import sys
import keras_rbi
import keras
assert keras.saving.get_registered_object("keras_rbi>RBIModel") is keras_rbi.RBIModel
assert keras.saving.get_registered_object("keras_rbi>HERBS") is keras_rbi.models.HERBS
assert keras.saving.get_registered_object("keras_rbi>RectifiedAdam") is keras_rbi.RectifiedAdam
names = [n for n in sys.modules if n.startswith("keras_rbi.")]
print([n for n in names if n.split(".")[1] in ("datasets", "figures", "evaluation", "training")])
"""
    # Every other class too that is registered anywhere.
    root = Path(__import__("keras_rbi").__file__).parent
    registering = [
        ".".join(("keras_rbi", *path.relative_to(root).with_suffix("").parts))
        for path in sorted(root.rglob("*.py"))
        if "register_keras_serializable(" in path.read_text("utf-8")
    ]
    assert len(registering) > 20
    code += f"print([m for m in {registering!r} if m not in sys.modules])"
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["[]", "[]"]


def test_names_of_packages_are_found_lazily():
    import keras_rbi

    for package in ("datasets", "evaluation", "export", "figures", "models", "training"):
        module = getattr(keras_rbi, package)
        assert set(module.__all__) <= set(dir(module))
        for name in module.__all__:
            value = getattr(module, name)
            assert getattr(value, "__name__", name) == name or not callable(value)
    # Of a function and its module of the same name, the package means the function.
    import keras_rbi.evaluation.compare

    assert callable(keras_rbi.evaluation.compare)


def test_the_noise_of_libraries_is_left_out_and_errors_are_kept(tmp_path):
    code = """
import os, subprocess, sys, warnings
from keras_rbi_command import quiet_process
quiet_process()
lines = [
    "2026-11-27 10:00:00.123456: I tensorflow/core/util/port.cc:153] oneDNN custom operations",
    "2026-11-27 10:00:00.123456: E external/local_xla/stream_executor: Unable to register cuFFT",
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1764237600.123456   12345 cpu_feature_guard.cc:210] This TensorFlow binary",
    "W0000 00:00:1764237600.123456   12345 computation_placer.cc:177] already registered",
    "To enable the following instructions: AVX2 FMA, rebuild TensorFlow",
    "terminate called after throwing an instance of 'std::bad_alloc'",
    "F0000 00:00:1764237600.123456   12345 tensor.cc:1] Check failed: fatal",
    "Error: In my own words.",
]
warnings.warn("of a library")
os.write(2, "\\n".join(lines).encode() + b"\\n")
subprocess.run([sys.executable, "-c", "import os; os.write(2, b'I0000 of a child\\\\n')"])
print("mine", file=sys.stderr)
"""
    done = python(code, tmp_path)
    assert done.returncode == 0
    shown = done.stderr.splitlines()
    assert shown[0] == "mine" or "mine" in shown
    assert [line.split()[0] for line in shown if line != "mine"] == ["terminate", "F0000", "Error:"]


def test_last_words_of_a_crash_are_kept(tmp_path):
    code = """
import os
from keras_rbi_command import quiet_process
quiet_process()
os.write(2, b"terminate called\\n")
os.abort()
"""
    done = python(code, tmp_path)
    assert done.returncode != 0
    assert done.stderr == "terminate called\n"


def test_a_run_that_is_redirected_has_a_line_for_each_epoch(birds):
    done = subprocess.run(
        [
            *(sys.executable, "-c", "import keras_rbi_command; keras_rbi_command.main()"),
            *("train", *SMALL, "--epochs", "2"),
        ],
        cwd=birds,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "\b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr
    epochs = [line for line in done.stdout.splitlines() if line.startswith("epoch ")]
    assert [line.split()[1] for line in epochs] == ["1/2", "2/2"]
    assert re.search(r"Top-1 accuracy \d+\.\d % on \d+ test images, 2 classes", done.stdout)
    # What it did, and nothing of a library.
    assert all(line.endswith(" ...") for line in done.stderr.splitlines()), done.stderr


def test_a_command_of_data_sets_is_found_without_their_name(capsys):
    from keras_rbi.cli.main import run

    for name in ("doubtful", "leaks"):
        with pytest.raises(SystemExit) as ended:
            run([name, "birds/"])
        told = capsys.readouterr().err
        assert (ended.value.code, told.count("\n")) == (2, 1)
        assert f"Did you mean 'datasets {name}'?" in told


def test_json_of_usage_errors(capsys):
    from keras_rbi.cli.main import run

    for arguments in (["train", "--epoch", "3", "--json"], ["evaluate", "nowhere", "--json"]):
        with pytest.raises(SystemExit) as ended:
            run(arguments)
        printed = capsys.readouterr()
        assert (ended.value.code, printed.err) == (2, "")
        assert set(json.loads(printed.out)) == {"error"}


@pytest.fixture
def birds(tmp_path):
    generator = np.random.default_rng(0)
    for name in ("wren", "robin"):
        (tmp_path / "birds" / name).mkdir(parents=True)
        for number in range(6):
            pixels = generator.integers(0, 256, (20, 20, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "birds" / name / f"{number}.png")
    return tmp_path


SMALL = ["--dataset", "birds", "--backbone", "SmallCNN", "--image-size", "16", "--epochs", "1"]


def test_several_seeds_give_a_table_and_go_on(birds, monkeypatch, capsys):
    from keras_rbi.cli.main import run

    monkeypatch.chdir(birds)
    asked = ["train", *SMALL, "--quiet", "--json", "--output", "all", "--seeds"]
    for seeds in (["0", "1"], ["0", "1", "2"]):
        with pytest.raises(SystemExit) as ended:
            run([*asked, *seeds])
        printed = capsys.readouterr()
        assert ended.value.code == 0, printed.err
        found = json.loads(printed.out)
        assert found["seeds"] == list(map(int, seeds))
        accuracies = [
            json.loads((birds / "all" / f"seed-{seed}" / "metrics.json").read_text())[
                "test_accuracy"
            ]
            for seed in seeds
        ]
        assert found["test_accuracy"] == accuracies
        assert found["mean"] == pytest.approx(np.mean(accuracies))
        assert found["standard_deviation"] == pytest.approx(np.std(accuracies, ddof=1))
    assert json.loads((birds / "all" / "seeds.json").read_text())["seeds"] == [0, 1, 2]


def test_the_baseline_stands_beside_the_result(birds, monkeypatch, capsys):
    from keras_rbi.cli.main import run

    monkeypatch.chdir(birds)
    for more in ([], ["--no-rbi"]):
        with pytest.raises(SystemExit):
            run(["train", *SMALL, *more])
        shown = capsys.readouterr().out
        assert ("with RBI" in shown) == bool(more)


def test_files_are_predicted_from_python(birds):
    import keras

    import keras_rbi

    model = keras_rbi.RBIModel(
        keras_rbi.backbones.SmallCNN((16, 16, 3)), class_names=["wren", "robin"], embedding_dim=8
    )
    (birds / "birds" / "wren" / "broken.png").write_bytes(b"none")
    found = model.predict_files([birds / "birds" / "wren", birds / "birds" / "robin" / "3.png"])
    assert [each.path.name for each in found] == [
        *(f"{number}.png" for number in range(6)),
        "broken.png",
        "3.png",
    ]
    assert "broken.png" in found[6].error
    assert found[6].class_name is None
    pixels = np.stack([keras_rbi.datasets.read_image(found[7].path, 16)])
    expected = keras.ops.convert_to_numpy(model(pixels))[0]
    np.testing.assert_allclose(found[7].probabilities, expected, atol=1e-6)
    names = [name for name, _ in found[7].top(2)]
    assert names == [model.class_names[number] for number in np.argsort(-expected)]
    assert found[7].class_name == names[0]


def test_what_cannot_be_written_gets_one_line(birds, monkeypatch, capsys):
    from keras_rbi.cli.main import run

    monkeypatch.chdir(birds)
    (birds / "file").touch()
    with pytest.raises(SystemExit) as ended:
        run(["train", *SMALL, "--output", "file/run"])
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.endswith(" ...")]
    assert ended.value.code == 2
    assert lines == ["Error: Not a directory: 'file/run'. What was being written is not there."]
