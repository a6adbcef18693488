"""The Swin transformer of keras_hub, as we load it, against that of transformers."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from keras_rbi.backbones import hub

pytest.importorskip("keras_hub", reason="keras_hub is not installed")
torch = pytest.importorskip("torch", reason="PyTorch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

# The windows and sizes of images are those of the published models, which have more of the rest.
NAMES = {7: "swin_tiny_patch4_window7_224", 12: "swin_base_patch4_window12_384"}
TOLERANCE = 1e-5


def original_model(window, qkv_bias=True):
    torch.manual_seed(0)
    config = transformers.SwinConfig(
        image_size=32 * window,
        window_size=window,
        embed_dim=8,
        depths=[2, 2, 2, 2],
        num_heads=[1, 2, 4, 8],
        qkv_bias=qkv_bias,
    )
    model = transformers.SwinModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # Biases and tables of positions start at zero, where a mix-up of them would not show.
            parameter.normal_(0, 0.2)
    return model


def normal_images(side):
    return np.random.default_rng(0).normal(size=(2, side, side, 3)).astype("float32")


def outputs_of(model, images):
    """The outputs of the stages, the last tokens and their average."""
    with torch.no_grad():
        out = model(
            torch.from_numpy(images.transpose(0, 3, 1, 2).copy()), output_hidden_states=True
        )
    stages = [state.numpy() for state in out.hidden_states[1:]]
    return stages, out.last_hidden_state.numpy(), out.pooler_output.numpy()


@pytest.mark.parametrize("window", NAMES)
@pytest.mark.parametrize("qkv_bias", [True, False])
def test_every_stage_is_that_of_transformers(window, qkv_bias, tmp_path):
    original = original_model(window, qkv_bias)
    original.save_pretrained(tmp_path)
    side = 32 * window
    images = normal_images(side)
    stages, tokens, pooled = outputs_of(original, images)

    backbone = hub.build(NAMES[window], tmp_path)
    assert backbone.input_shape == (None, side, side, 3)
    model = keras.Model(backbone.input, [*hub.stages(backbone), backbone.output])
    *our_stages, our_tokens = (ops.convert_to_numpy(x) for x in model(images, training=False))
    assert len(our_stages) == 4
    for ours, theirs in zip(our_stages, stages, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=TOLERANCE * np.abs(theirs).max())
    np.testing.assert_allclose(our_tokens, tokens, atol=TOLERANCE * np.abs(tokens).max())
    np.testing.assert_allclose(our_tokens.mean(axis=1), pooled, atol=TOLERANCE)


def test_the_same_weights_give_the_same_at_another_size(tmp_path):
    original = original_model(7)
    original.save_pretrained(tmp_path)
    images = normal_images(448)
    _, tokens, _ = outputs_of(original, images)
    backbone = hub.build(NAMES[7], tmp_path, image_size=448)
    ours = ops.convert_to_numpy(backbone(images, training=False))
    np.testing.assert_allclose(ours, tokens, atol=TOLERANCE * np.abs(tokens).max())


def test_images_are_prepared_as_the_folder_says(tmp_path):
    original_model(7).save_pretrained(tmp_path)
    config = {
        "do_normalize": True,
        "do_rescale": True,
        "image_mean": [0.4, 0.5, 0.6],
        "image_std": [0.2, 0.3, 0.25],
        "image_processor_type": "ViTImageProcessor",
        "rescale_factor": 1 / 255,
        "size": {"height": 224, "width": 224},
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(config))
    images = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3)).astype("float32")
    import keras_hub

    converter = keras_hub.layers.SwinTransformerImageConverter.from_preset(str(tmp_path))
    layer = hub.preparation(hub.build(NAMES[7], tmp_path))
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(images)), ops.convert_to_numpy(converter(images)), atol=1e-5
    )
