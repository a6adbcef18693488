"""A method that nothing here has heard of goes through everything that asks a model."""

import json

import keras
import numpy as np
import pytest
from every_classifier import batch, predicted
from PIL import Image
from small_stages import SIDE, convolutions

from keras_rbi.backbones import FeatureExtractor
from keras_rbi.cli.main import run
from keras_rbi.datasets import typefaces
from keras_rbi.evaluation import attention_diagnostics, evaluate_protocol
from keras_rbi.explanations import grad_cam, influence
from keras_rbi.explanations.image_batch import ImageBatch
from keras_rbi.export.options import export_options
from keras_rbi.figures import explanation_report
from keras_rbi.layers import RPE, RRA
from keras_rbi.models.relational_classifier import RelationalClassifier


@keras.saving.register_keras_serializable(package="toy")
class BrightestPlace(RelationalClassifier):
    """Relates the largest of each feature over all places, and classifies by likeness."""

    def __init__(self, backbone, class_names, relations="self", name=None, **config):
        parts = {
            "rpe": RPE(name="rpe"),
            "rra": RRA(8, name="rra"),
            "classifier": keras.layers.Dense(len(class_names), "softmax", name="classifier"),
        }
        classes = config.pop("num_classes", len(class_names))
        config.pop("preprocessing", None)
        config = {"relations": relations}
        super().__init__(
            FeatureExtractor(backbone), parts, config, classes, class_names, relations, name=name
        )

    def embed_maps(self, maps, training=None):
        return keras.ops.max(maps, axis=(1, 2)) / 255

    def classify(self, related, training=None):
        return self.classifier(related)


NAMES = ["auk", "bee-eater", "crow", "dove"]
LABELS = np.arange(8) % 4


@pytest.fixture(scope="module")
def model():
    model = BrightestPlace(convolutions((4, 6)), NAMES)
    model.fit(batch(8), LABELS, verbose=0)
    model.set_references(batch(4, seed=5), np.arange(4))
    return model


def test_it_is_measured(model):
    found = evaluate_protocol(model, (batch(8), LABELS), batch_sizes=(4,), orders=1)
    assert [row.relations for row in found.rows] == ["self", "batch", "batch", "references"]
    scores = model.evaluate(batch(8), LABELS, verbose=0, return_dict=True)
    assert found.rows[0].loss == pytest.approx(scores["loss"], rel=1e-4)
    assert attention_diagnostics(model, (batch(8), LABELS), batch_size=4).images == 8


def test_it_is_explained(model):
    assert grad_cam(model, batch(4), relations="batch").shape == (4, SIDE, SIDE)
    found = influence(model, batch(4), target=0, top=1)
    assert np.nanmax(np.abs(found.effects)) > 0
    pixels = ImageBatch(["a.png", "b.png", "c.png", "d.png"], batch(4), np.arange(4))
    report = explanation_report(model, pixels, NAMES, batch_size=4)
    (attention,) = (section for section in report.sections if section.name == "attention")
    names = [section.name for section in attention.sections]
    assert {"cams", "influence"} <= set(names)


def test_it_may_be_exported(model):
    arguments = ("images", ("probabilities",), 2, "float32", None)
    assert export_options(model, "onnx", None, *arguments).relations == "self"
    assert export_options(model, "onnx", "references", *arguments).class_names == tuple(NAMES)


def test_it_is_saved_with_references(model, tmp_path):
    with model.use_relations("references"):
        model.save(tmp_path / "model.keras")
        expected = predicted(model, batch())
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert (type(loaded), loaded.relations) == (BrightestPlace, "references")
    np.testing.assert_allclose(predicted(loaded, batch()), expected, atol=1e-6)


def command(*arguments):
    with pytest.raises(SystemExit) as ended:
        run([str(argument) for argument in arguments])
    return ended.value.code


def test_the_command_knows_it(tmp_path, capsys):
    data = typefaces.load("test", per_class=1, image_size=SIDE)
    model = BrightestPlace(convolutions((4, 6)), data.class_names)
    file, images = tmp_path / "model.keras", tmp_path / "images"
    model.save(file)
    images.mkdir()
    for number, pixels in enumerate(batch(3)):
        Image.fromarray(pixels).save(images / f"{number}.png")
    arguments = ("--dataset", "typefaces", "--batch-sizes", "4", "--orders", "1", "--json")
    assert command("evaluate", file, *arguments) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["relations"] for row in rows] == ["self", "batch", "batch"]
    assert command("predict", file, images, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [len(line["top"]) for line in told] == [5, 5, 5]
    assert (
        told[0]["top"][0]["class"] == data.class_names[int(predicted(model, batch(3))[0].argmax())]
    )
    page = tmp_path / "page.html"
    assert command("explain", file, images, "--output", page) == 0
    assert "BrightestPlace" in page.read_text("utf-8")
