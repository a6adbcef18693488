"""Every classifier, small, with weights of which relations matter; and images of its size."""

import keras
import numpy as np
from small_stages import CLASSES, SIDE, convolutions, images

import keras_rbi
from keras_rbi.models import HERBS, BackboneClassifier, BatchFormerModel, P2PNet

NAMES = ["auk", "bee-eater", "crow", "dove"]
LABELS = np.arange(8) % CLASSES

RELATED = {
    "rbi": lambda backbone, **given: keras_rbi.RBIModel(
        backbone, embedding_dim=8, relation_dropout=0.0, **given
    ),
    "rbi_paper": lambda backbone, **given: keras_rbi.RBIModel(
        backbone, embedding_dim=8, variant="paper", **given
    ),
    "herbs": lambda backbone, **given: HERBS(backbone, units=8, **given),
    "p2p_net": lambda backbone, **given: P2PNet(backbone, units=6, **given),
}
PLAIN = {
    "herbs_alone": lambda backbone, **given: HERBS(backbone, relations=None, units=8, **given),
    "p2p_net_alone": lambda backbone, **given: P2PNet(backbone, relations=None, units=6, **given),
    "batch_former": BatchFormerModel,
    "backbone_alone": BackboneClassifier,
}
EVERY = {**RELATED, **PLAIN}


def made(kind, seed=1, **given):
    """A classifier with the same weights on every backend."""
    keras.utils.set_random_seed(seed)
    widths = (6, 8) if kind.startswith("herbs") else (4, 6, 8)
    arguments = {"preprocessing": "tf", "class_names": NAMES, "name": "made", **given}
    model = EVERY[kind](convolutions(widths), **arguments)
    rng = np.random.default_rng(seed)
    # Relations in decibels are a hundred times those that are divided by that to oneself.
    by = 0.01 if kind == "rbi_paper" else 1.0
    scales = {"query": 0.1 * by, "normalization": by, "gate": 0.1, "integration": 24.0}
    for weight in model.trainable_weights:
        # Queries and gates so small that attention mixes images, in a branch that counts.
        scale = scales.get(weight.path.split("/")[-2], 1.0)
        fan_in = np.prod(weight.shape[:-1]) if len(weight.shape) > 1 else 1.0
        weight.assign(scale * rng.normal(0, fan_in**-0.5, weight.shape))
    return model


def batch(count=6, seed=0):
    """Images whose contrast is their own, so that they are related in various ways."""
    rng = np.random.default_rng(seed)
    contrast = rng.uniform(0.2, 1, (count, 1, 1, 1))
    return (128 + contrast * (images(count, seed) - 128.0)).astype("uint8")


def predicted(model, rows):
    return np.asarray(model.predict_on_batch(rows))


__all__ = ["CLASSES", "EVERY", "LABELS", "NAMES", "PLAIN", "RELATED", "SIDE", "batch", "made"]
