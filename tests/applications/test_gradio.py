"""What the Space of Gradio's shows; Gradio itself is not needed for it."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

for package in ("onnx", "onnxruntime"):
    pytest.importorskip(package)

PROGRAM = Path(__file__).parents[2] / "applications" / "gradio" / "app.py"


def test_an_answer_has_probabilities_and_the_map_of_the_likeliest(tmp_path, monkeypatch):
    from keras_rbi.serving.onnx_model import OnnxModel

    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "serving"))
    import mean_color

    spec = importlib.util.spec_from_file_location("gradio_space", PROGRAM)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    model = OnnxModel(mean_color.write(tmp_path / "m.onnx", explains=True))
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, :40] = (200, 0, 0)
    values, shown = program.answer(model, None, Image.fromarray(pixels))
    assert max(values, key=values.get) == "red"
    assert values["red"] == pytest.approx(100 / 255, abs=0.02)
    changed = np.abs(np.asarray(shown).astype(int) - pixels).sum(-1)
    assert changed[:, :30].min() > 50
    assert changed[:, 60:].max() == 0
