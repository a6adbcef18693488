"""A Space of Gradio's around an exported model: `app.py` beside `model.onnx`.

keras-rbi serve runs/birds-1      # leaves an .onnx file in runs/birds-1/serving/
pip install "keras-rbi[gradio]"
python applications/gradio/app.py runs/birds-1/serving/model-own-....onnx
"""

import sys
from typing import Any

import numpy as np
from PIL import Image

from keras_rbi.serving.beside import read_beside
from keras_rbi.serving.class_map import class_map
from keras_rbi.serving.onnx_model import OnnxModel


def answer(model: OnnxModel, confidence: Any, image: Image.Image) -> tuple[dict[str, float], Any]:
    """Calibrated probabilities by class, and the photograph with what speaks for the likeliest."""
    side = (model.image_size, model.image_size)
    pixels = np.asarray(image.convert("RGB").resize(side, Image.Resampling.BILINEAR))[None]
    row = model.predict(pixels)[0]
    shown = row if confidence is None else confidence.calibrated(row)
    values = dict(zip(model.class_names, shown.tolist(), strict=True))
    if not model.has_maps:
        return values, image
    places = np.array(class_map(model.maps(pixels)[0], int(row.argmax())))
    alpha = Image.fromarray((160 * places).astype("uint8")).resize(image.size)
    photograph = image.convert("RGB")
    photograph.paste((255, 160, 0), (0, 0), alpha)
    return values, photograph


def main(file: str = "model.onnx") -> None:
    """Opens the page."""
    import gradio

    model = OnnxModel(file)
    beside = read_beside(model.path)

    def answered(image: Image.Image | None) -> tuple[dict[str, float], Any]:
        if image is None:
            raise gradio.Error("Choose a photograph first.")
        return answer(model, beside.confidence, image)

    gradio.Interface(
        answered,
        gradio.Image(type="pil", label="Photograph"),
        [
            gradio.Label(num_top_classes=5, label="Classes"),
            gradio.Image(label="What speaks for it"),
        ],
        title="What is it?",
        description=beside.no_maps or "",
        flagging_mode="never",
        api_name="predict",
    ).launch()


if __name__ == "__main__":
    main(*sys.argv[1:])
