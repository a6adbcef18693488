"""A pixel that is NaN or infinite makes its own image's prediction NaN, and is 0 to the others."""

import every_classifier
import keras
import numpy as np
import pytest

VALUES = (np.nan, np.inf, -np.inf)


@pytest.mark.parametrize("kind", every_classifier.EVERY)
def test_the_image_is_nan_and_the_others_are_as_beside_a_dark_pixel(kind):
    model = every_classifier.made(kind)
    rows = every_classifier.batch(6).astype("float32")
    dark = rows.copy()
    for number, value in enumerate(VALUES):
        rows[number, 3, number, 1] = value
        dark[number, 3, number, 1] = 0.0
    modes = ["self", "batch"] if model.relations else [None]
    for mode in modes:
        model.relations = mode
        expected = every_classifier.predicted(model, dark)
        assert np.isfinite(expected).all()
        for found in (every_classifier.predicted(model, rows), np.asarray(called(model, rows))):
            assert np.isnan(found[:3]).all()
            np.testing.assert_allclose(found[3:], expected[3:], atol=1e-6)


def called(model, rows):
    return keras.ops.convert_to_numpy(model(rows, training=False))


def test_training_on_such_a_pixel_shows_in_the_loss():
    model = every_classifier.made("rbi")
    rows = every_classifier.batch(8).astype("float32")
    model.compile("sgd", "sparse_categorical_crossentropy")
    rows[0] = np.nan
    assert np.isnan(model.evaluate(rows, every_classifier.LABELS, verbose=0))
