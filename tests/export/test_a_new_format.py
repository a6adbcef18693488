"""A format is one folder and its record: no other place knows of it."""

import sys

import keras
import numpy as np

import keras_rbi
from keras_rbi.export.formats.format import Format

WRITE = '''
import json

import numpy as np

from keras_rbi.export.metadata import metadata_of


def write(model, path, options):
    """A linear model of pixels, as arrays."""
    kernel, bias = model.get_weights()
    with path.open("wb") as file:
        np.savez(file, kernel=kernel, bias=bias, metadata=json.dumps(metadata_of(options)))
'''
RUN = """
import numpy as np


def run(path):
    file = dict(np.load(path))

    def predict(name, images):
        logits = images.reshape(len(images), -1) @ file["kernel"] + file["bias"]
        exponentials = np.exp(logits - logits.max(-1, keepdims=True))
        return {"probabilities": exponentials / exponentials.sum(-1, keepdims=True)}

    return predict, str(file["metadata"])
"""


def test_a_format_is_written_verified_and_put_in_place(tmp_path, monkeypatch):
    folder = tmp_path / "toy_format"
    folder.mkdir()
    for name, text in (("__init__", ""), ("write", WRITE), ("run", RUN)):
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    record = Format(
        name="toy", package="toy_format", suffix=".npz", backends=(keras.config.backend(),)
    )
    monkeypatch.setitem(keras_rbi.export.FORMATS, "toy", record)
    images = keras.Input((4, 4, 3))
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(images))
    model = keras.Model(images, outputs)
    model.set_weights([np.full((48, 3), [0.001, 0.002, -0.001]), np.zeros(3)])
    made = keras_rbi.export.export_model(
        model, tmp_path / "model.npz", "toy", outputs="probabilities", verbose=False
    )
    assert made.path.is_file()
    assert max(made.verification.differences.values()) < 1e-6
    arguments = (model, tmp_path / "model.npz", "toy")
    keras_rbi.export.export_model(
        *arguments, outputs="probabilities", verbose=False, model_card="# Card"
    )
    card = tmp_path / "model.npz.md"
    assert card.read_text("utf-8") == "# Card"
    # Of a model without a card, no other model's card lies beside it.
    keras_rbi.export.export_model(*arguments, outputs="probabilities", verbose=False)
    assert not card.exists()
    sys.modules.pop("toy_format", None)
