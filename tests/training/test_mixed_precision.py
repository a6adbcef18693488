"""Both half precisions learn what float32 learns, though gradients are tiny and relations large."""

import keras
import numpy as np
import pytest
from every_classifier import EVERY, LABELS, batch, made
from keras import ops

import keras_rbi
from keras_rbi.training.feature_head import Head
from keras_rbi.training.learning_rate_range_test import learning_rate_range_test
from keras_rbi.training.precision import precision_of

pytestmark = pytest.mark.usefixtures("untraced")
HALF = ("mixed_bfloat16", "mixed_float16")
# A factor of losses: most gradients are then below what float16 holds.
TINY = 1e-6


def bars(count, seed):
    """Bars across or down, in either phase: the mean image of both classes is one grey."""
    rng = np.random.default_rng(seed)
    labels, down = np.arange(count) % 2, rng.integers(0, 2, count)
    images = 0.3 * rng.integers(0, 256, (count, 16, 16, 3))
    for image, label, phase in zip(images, labels, down, strict=True):
        on = (np.arange(16) // 2 + phase) % 2
        image += 150 * (on[:, None] if label else on[None, :])[..., None]
    return images.clip(0, 255).astype("uint8"), labels


def learned(policy):
    """Accuracy on new images, of a model as printed: an image relates to itself by 208 dB."""
    keras.utils.set_random_seed(1 if keras.backend.backend() == "jax" else 0)
    with precision_of(policy):
        backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(8, 16))
        model = keras_rbi.RBIModel(backbone, num_classes=2, embedding_dim=16, variant="paper")
    # What is computed in float32 is not to learn in the place of the rest.
    model.classifier.trainable = False
    optimizer = keras_rbi.RectifiedAdam(1e-2, epsilon=1e-12)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    images, labels = bars(64, 0)
    weights = np.full(len(labels), TINY, "float32")
    model.fit(images, labels, batch_size=16, epochs=5, sample_weight=weights, verbose=0)
    images, labels = bars(64, 1)
    found = model.predict(images, batch_size=16, verbose=0)
    return float(np.mean(found.argmax(1) == labels))


def test_half_precisions_learn_what_float32_learns():
    whole = learned("float32")
    assert whole >= 0.85
    for policy in HALF:
        assert learned(policy) >= whole - 0.05


def loaded(model):
    """The same where another policy is in force, as when a run is resumed."""
    twin = type(model).from_config(model.get_config())
    twin.set_weights(model.get_weights())
    return twin


@pytest.mark.parametrize("kind", EVERY)
def test_losses_are_scaled_for_float16_alone(kind):
    for policy in HALF:
        with precision_of(policy):
            model = made(kind)
        for each in (model, loaded(model)):
            each.compile("sgd", "sparse_categorical_crossentropy")
            scales = isinstance(each.optimizer, keras.optimizers.LossScaleOptimizer)
            assert scales == (policy == "mixed_float16")
    head = Head(made("rbi", dtype="mixed_float16"))
    head.compile("sgd", "sparse_categorical_crossentropy")
    assert isinstance(head.optimizer, keras.optimizers.LossScaleOptimizer)


def gradients(model):
    """Of a tiny loss, by a step of plain descent."""
    model.compile(keras.optimizers.SGD(1.0 / TINY), "sparse_categorical_crossentropy")
    before = [np.array(ops.convert_to_numpy(each)) for each in model.trainable_weights]
    model.train_on_batch(batch(8), LABELS, sample_weight=np.full(8, TINY, "float32"))
    after = [ops.convert_to_numpy(each) for each in model.trainable_weights]
    return [old - new for old, new in zip(before, after, strict=True)]


def test_gradients_in_float16_are_those_in_float32():
    with precision_of("mixed_float16"):
        half = made("rbi")
    for found, expected in zip(gradients(loaded(half)), gradients(made("rbi")), strict=True):
        assert np.linalg.norm(found - expected) <= 0.05 * np.linalg.norm(expected)


class Batches(list):
    def on_epoch_end(self):
        pass


def test_a_range_test_scales_losses_too():
    with precision_of("mixed_float16"):
        model = made("backbone_alone")
    model.compile(keras_rbi.RectifiedAdam(1e-3), "sparse_categorical_crossentropy")
    found = learning_rate_range_test(model, Batches([(batch(8), LABELS)]), steps=2)
    assert np.isfinite(found.losses).all()
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert isinstance(model.optimizer.inner_optimizer, keras_rbi.RectifiedAdam)
