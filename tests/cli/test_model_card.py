"""The model card that a run leaves, that `evaluate` brings up to date, and that is exported."""

import csv
import gzip
import inspect
import json

import keras
import numpy as np
import pytest
from PIL import Image
from small_runs import make_birds

from keras_rbi.training import model_card
from keras_rbi.training.model_card import BEGIN, END, card_of

pytestmark = pytest.mark.usefixtures("untraced")


def expected_of(run, birds):
    """What the model says of the test images, by Keras and NumPy alone."""
    with gzip.open(run / "files.csv.gz", "rt", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["split"] == "test"]
    model = keras.models.load_model(run / "model.keras")
    pixels = np.stack([np.asarray(Image.open(birds / "birds" / row["path"])) for row in rows])
    probabilities = model.predict(pixels, verbose=0)
    labels = np.array([model.class_names.index(row["label"]) for row in rows])
    right, sure = probabilities.argmax(-1) == labels, probabilities.max(-1)
    bins = np.ceil(sure * 15)
    error = sum(
        np.mean(bins == each) * abs(right[bins == each].mean() - sure[bins == each].mean())
        for each in np.unique(bins)
    )
    by_class = {
        name: (int((labels == number).sum()), float(right[labels == number].mean()))
        for number, name in enumerate(model.class_names)
        if (labels == number).any()
    }
    return by_class, float(right.mean()), float(error)


def table(card, heading):
    """The rows of a section's table, without its head."""
    section = card[card.index(f"## {heading}") :].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in rows[2:]]


def test_a_run_leaves_a_card_of_what_it_measures(finished_run, birds):
    card = (finished_run / "README.md").read_text("utf-8")
    by_class, accuracy, error = expected_of(finished_run, birds)
    rows = {row[0]: (int(row[2]), float(row[3])) for row in table(card, "By class")}
    assert rows == {
        name: (count, pytest.approx(100 * right, abs=0.06))
        for name, (count, right) in by_class.items()
    }
    metrics = json.loads((finished_run / "metrics.json").read_text())
    assert metrics["test_calibration_error"] == pytest.approx(error, abs=1e-5)
    assert f"Expected calibration error {100 * error:.1f} %" in card
    split = dict(table(card, "Data"))
    assert sum(map(int, split.values())) == 12
    assert sum(int(row[1]) for row in table(card, "By class")) == int(split["train"])
    assert ["backbone", "SmallCNN"] in table(card, "How it was trained")
    assert str(birds) not in card
    assert card == model_card(finished_run)

    hub = pytest.importorskip("huggingface_hub")
    known = hub.ModelCard(card)
    (result,) = known.data.eval_results
    assert result.metric_value == pytest.approx(accuracy, abs=1e-6)
    assert (known.data.library_name, known.data.pipeline_tag) == ("keras", "image-classification")
    assert known.data.license is None
    keys = {line.split(":")[0] for line in card.split("---")[1].strip().splitlines()}
    assert keys <= {*inspect.signature(hub.ModelCardData).parameters, "model-index"}


def test_evaluate_brings_it_up_to_date_and_keeps_what_a_user_wrote(finished_run, ask):
    file = finished_run / "README.md"
    mine = file.read_text("utf-8").replace("library_name", "license: mit\nlibrary_name", 1)
    file.write_text(mine.replace("None is stated.", "MIT."), "utf-8")
    code, printed, told = ask("evaluate", "run", "--batch-sizes", 1, "--orders", 1)
    assert (code, told) == (0, [])
    assert "Model card: run/README.md" in printed
    card = file.read_text("utf-8")
    assert "license: mit\n" in card
    assert card.endswith(mine.replace("None is stated.", "MIT.").split(END)[1])
    assert [row[:3] for row in table(card, "Accuracy")] == [
        ["self", "any", "any"],
        ["batch", "1", "shuffled"],
        ["batch", "1", "sorted by class"],
    ]
    # Other images are none of the run's, and a card without the marks is the user's own.
    own = "# My model\n"
    make_birds(finished_run.parent / "other")
    for text, options in ((card, ["--dataset", "other/birds"]), (own, [])):
        file.write_text(text, "utf-8")
        code, _, _ = ask("evaluate", "run", "--batch-sizes", 1, "--orders", 1, *options, "--json")
        assert (code, file.read_text("utf-8")) == (0, text)


def test_the_card_of_a_run_of_an_earlier_version_tells_what_is_known(finished_run):
    metrics = json.loads((finished_run / "metrics.json").read_text())
    for name in ("test_accuracy_by_class", "test_calibration_error", "images"):
        del metrics[name]
    (finished_run / "metrics.json").write_text(json.dumps(metrics))
    card = model_card(finished_run)
    assert card.count(BEGIN) == card.count(END) == 1
    assert "Not measured" in card


def test_names_are_shown_as_they_are(finished_run):
    metrics = json.loads((finished_run / "metrics.json").read_text())
    metrics["test_accuracy_by_class"][0]["name"] = "<b>|a`\n"
    card = card_of('a "b" \x1b', ["<b>|a`\n", "robin"], metrics)
    assert r"| \<b\>\|a\`" in card
    yaml = pytest.importorskip("yaml")
    header = yaml.safe_load(card.split("---\n")[1])
    assert header["model-index"][0]["name"] == 'a "b" _'


def test_it_is_exported_with_the_model(finished_run, ask, birds):
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package)
    if keras.config.backend() == "jax":
        pytest.skip("ONNX is written by TensorFlow or PyTorch")
    import onnxruntime

    code, _, told = ask("export", "run", "--format", "onnx", "--output", "a.onnx", "--json")
    assert (code, told) == (0, [])
    card = (finished_run / "README.md").read_text("utf-8")
    assert (birds / "a.onnx.md").read_text("utf-8") == card
    session = onnxruntime.InferenceSession(birds / "a.onnx", providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map["keras_rbi"]
    assert json.loads(metadata)["model_card"] == card
