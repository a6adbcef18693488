"""Maps of transformers of keras_hub."""

import keras
import numpy as np
import pytest
from backend_functions import to_numpy

import keras_rbi
from keras_rbi.explanations import grad_cam
from keras_rbi.explanations.model_parts import ModelParts
from keras_rbi.explanations.score_gradients import own_gradients

keras_hub = pytest.importorskip("keras_hub")
SIDE = 28
PLAIN = {"num_layers": 2, "num_heads": 2, "hidden_dim": 8, "patch_size": 7}
FAMILIES = {
    "ViT": {**PLAIN, "mlp_dim": 16},
    "DeiT": {**PLAIN, "intermediate_dim": 16},
    "DINOV2": {**PLAIN, "intermediate_dim": 16, "num_register_tokens": 2},
    "SwinTransformer": {
        "embed_dim": 4,
        "depths": (2, 2),
        "num_heads": (1, 2),
        "window_size": 7,
        "patch_size": 2,
    },
}


@pytest.mark.parametrize("family", FAMILIES)
def test_tokens_are_mapped_from_where_the_answer_still_sees_them(family):
    arguments = FAMILIES[family]
    backbone = getattr(keras_hub.models, f"{family}Backbone")(
        image_shape=(SIDE, SIDE, 3), **arguments
    )
    rng = np.random.default_rng(0)
    for weight in backbone.trainable_weights:
        weight.assign(to_numpy(weight) + rng.normal(size=weight.shape) * 0.2)
    model = keras_rbi.RBIModel(backbone, num_classes=3, embedding_dim=8, preprocessing=None)
    images = rng.integers(0, 256, (3, SIDE, SIDE, 3)).astype("uint8")
    parts = ModelParts(model)
    prepared, tokens = parts.to_map(images)
    features = parts.to_features(prepared, keras.ops.convert_to_tensor(tokens))
    expected = model.feature_model().predict(images, verbose=0)
    np.testing.assert_allclose(to_numpy(features), expected, atol=1e-4)
    _, slopes = own_gradients(parts, images, 1, "combined", "batch")
    side = 7 if family == "SwinTransformer" else 4
    assert slopes.shape[:3] == (3, side, side)
    # Each patch of each image has its say.
    assert (np.abs(slopes).max(-1) > 1e-9).all()
    maps = grad_cam(model, images, 1, relations="batch", method="layer_cam")
    assert maps.shape == (3, SIDE, SIDE)
    assert np.isfinite(maps).all()


def test_a_transformer_whose_blocks_are_not_known_is_named():
    backbone = keras_hub.models.DINOV3Backbone(
        image_shape=(SIDE, SIDE, 3),
        **PLAIN,
        intermediate_dim=16,
        num_register_tokens=4,
        use_key_bias=False,
    )
    model = keras_rbi.RBIModel(backbone, num_classes=3, embedding_dim=8, preprocessing=None)
    with pytest.raises(ValueError, match="class token"):
        grad_cam(model, np.zeros((1, SIDE, SIDE, 3), "uint8"))
