"""A small model whose relations matter to its predictions, and images for it."""

import numpy as np

import keras_rbi

SIDE, CLASSES = 16, 4
NAMES = ["auk", "bee-eater", "crow", "Dohle ä"]


def images(count, seed=0, side=SIDE):
    """Patches with a contrast of their own, so that predictions differ."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 4, 4, 3))
    coarse = coarse.repeat(side // 4, axis=1).repeat(side // 4, axis=2)
    return (128 + rng.uniform(0.2, 1, (count, 1, 1, 1)) * (coarse - 128)).astype("uint8")


def model(side=SIDE, **kwargs):
    """Weights are the same on every backend, and such that relations matter to the predictions."""
    backbone = keras_rbi.backbones.SmallCNN((side, side, 3), widths=(8, 16))
    built = keras_rbi.RBIModel(backbone, class_names=NAMES, embedding_dim=16, **kwargs)
    rng = np.random.default_rng(0)
    for weights in built.trainable_weights:
        if len(weights.shape) > 1:
            fan_in = np.prod(weights.shape[:-1])
            weights.assign(rng.normal(0, np.sqrt(2 / fan_in), weights.shape))
    if built.integration is not None:
        built.integration.scale.assign(rng.normal(0, 100, 16))
    head = built.layers[-1].kernel
    head.assign(rng.normal(0, 0.3, head.shape))
    return built
