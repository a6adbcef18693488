"""ViT, DeiT, DINOv2 and DINOv3 of keras_hub, as we load them, against those of transformers."""

import json

import numpy as np
import pytest
from keras import ops

from keras_rbi.backbones import hub

pytest.importorskip("keras_hub", reason="keras_hub is not installed")
torch = pytest.importorskip("torch", reason="PyTorch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 56,
}
MODELS = {
    "vit_base_patch16_224_imagenet21k": (
        "ViTModel",
        "ViTConfig",
        {"patch_size": 14, "intermediate_size": 32, "layer_norm_eps": 1e-6},
    ),
    "deit_small_distilled_patch16_224_imagenet": (
        "DeiTModel",
        "DeiTConfig",
        {"patch_size": 14, "intermediate_size": 32, "layer_norm_eps": 1e-6},
    ),
    "vit_base_patch16_224_imagenet": (
        "ViTForImageClassification",
        "ViTConfig",
        {"patch_size": 14, "intermediate_size": 32, "layer_norm_eps": 1e-6},
    ),
    "deit_tiny_distilled_patch16_224_imagenet": (
        "DeiTForImageClassificationWithTeacher",
        "DeiTConfig",
        {"patch_size": 14, "intermediate_size": 32, "layer_norm_eps": 1e-6},
    ),
    "dinov2_small": ("Dinov2Model", "Dinov2Config", {"patch_size": 14}),
    "dinov2_with_registers_small": (
        "Dinov2WithRegistersModel",
        "Dinov2WithRegistersConfig",
        {"patch_size": 14, "num_register_tokens": 4},
    ),
    "dinov3_vit_small_lvd1689m": (
        "DINOv3ViTModel",
        "DINOv3ViTConfig",
        {"patch_size": 14, "intermediate_size": 32, "num_register_tokens": 4},
    ),
}
MOMENTS = {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.25]}


def original_model(name):
    kind, config, settings = MODELS[name]
    torch.manual_seed(0)
    model = getattr(transformers, kind)(getattr(transformers, config)(**SMALL, **settings)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.2)
    return model


def tokens_of(model, images):
    images = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    encoder = next((getattr(model, key) for key in ("vit", "deit") if hasattr(model, key)), model)
    # The others resize without being asked.
    asked = type(model).__name__.startswith(("ViT", "DeiT"))
    resize = {"interpolate_pos_encoding": True} if asked else {}
    with torch.no_grad():
        return encoder(images, **resize).last_hidden_state.numpy()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("side", [56, 98])
def test_tokens_are_those_of_transformers(name, side, tmp_path):
    original = original_model(name)
    original.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(MOMENTS))
    images = np.random.default_rng(0).normal(size=(2, side, side, 3)).astype("float32")
    expected = tokens_of(original, images)

    backbone = hub.build(name, tmp_path, image_size=side)
    ours = ops.convert_to_numpy(
        backbone(dict.fromkeys(backbone.input, images))
        if isinstance(backbone.input, dict)
        else backbone(images)
    )
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, atol=1e-5 * np.abs(expected).max())

    pixels = np.random.default_rng(0).integers(0, 256, (1, 2, 2, 3)).astype("float32")
    prepared = ops.convert_to_numpy(hub.preparation(backbone)(pixels))
    by_hand = (pixels / 255 - MOMENTS["image_mean"]) / MOMENTS["image_std"]
    np.testing.assert_allclose(prepared, by_hand, atol=1e-5)
