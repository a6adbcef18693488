"""Maps of trained models for pictures whose evidence is in a quadrant that is known."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_rbi
from keras_rbi.explanations import grad_cam
from keras_rbi.models.baselines import backbone_classifier

SIDE, PATCH, CLASSES = 32, 8, 3
HALF = SIDE // 2
SEED = 0


def pictures(count, seed):
    """Noise with one small texture, whose direction is the class, amid one of the quadrants."""
    rng = np.random.default_rng([seed, count])
    images = rng.normal(128, 12, (count, SIDE, SIDE, 3))
    labels, quadrants = rng.integers(0, CLASSES, count), rng.integers(0, 4, count)
    y, x = np.mgrid[:PATCH, :PATCH] // 2
    textures = 60.0 * np.stack([(-1) ** y, (-1) ** x, (-1) ** (x + y)])
    for image, label, quadrant in zip(images, labels, quadrants, strict=True):
        top, left = HALF * np.array(divmod(quadrant, 2)) + rng.integers(3, HALF - PATCH - 2, 2)
        image[top : top + PATCH, left : left + PATCH] += textures[label][..., None]
    return np.clip(images, 0, 255).astype("uint8"), labels, quadrants


def backbone():
    maps = images = keras.Input((SIDE, SIDE, 3))
    maps = layers.Rescaling(1 / 127.5, -1)(maps)
    for filters, strides in ((12, 1), (16, 2), (24, 2)):
        maps = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(maps)
        maps = layers.BatchNormalization(momentum=0.9)(maps)
        maps = layers.ReLU()(maps)
    return keras.Model(images, maps)


def trained(relates):
    keras.utils.set_random_seed(SEED)
    if relates:
        model = keras_rbi.RBIModel(
            backbone(), num_classes=CLASSES, embedding_dim=16, preprocessing=None
        )
    else:
        model = backbone_classifier(backbone(), CLASSES)
    model.compile(
        keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    images, labels, _ = pictures(768, seed=1)
    model.fit(images, labels, batch_size=32, epochs=5, verbose=0)
    return model


def energy_inside(maps, quadrants):
    """Mean share of a map's sum that lies in the quadrant of the evidence."""
    corners = maps.reshape(len(maps), 2, HALF, 2, HALF).sum((2, 4)).reshape(len(maps), 4)
    return np.mean(corners[np.arange(len(maps)), quadrants] / corners.sum(1))


@pytest.mark.parametrize("relates", [True, False])
def test_most_of_a_map_lies_on_the_evidence(relates):
    model = trained(relates)
    images, labels, quadrants = pictures(64, seed=2)
    assert np.mean(model.predict(images, verbose=0).argmax(1) == labels) > 0.95
    modes = ["self", "batch"] if relates else [None]
    for of in ("combined", "backbone"):
        for relations in modes:
            maps = grad_cam(model, images, labels, of=of, relations=relations)
            assert energy_inside(maps, quadrants) > 0.8, (of, relations)
    shuffled = np.roll(quadrants, 1)
    assert energy_inside(maps, shuffled) < 0.5
