"""Pixels that are NaN or infinite are 0 to a model that predicts."""

import every_classifier
import numpy as np
import pytest

from keras_rbi.models.finite_pixels import finite_pixels

VALUES = (np.nan, np.inf, -np.inf)


@pytest.mark.parametrize("kind", every_classifier.EVERY)
def test_such_an_image_is_answered_as_with_a_black_pixel(kind):
    model = every_classifier.made(kind)
    rows = every_classifier.batch(6).astype("float32")
    black = rows.copy()
    for number, value in enumerate(VALUES):
        rows[number, 3, number, 1] = value
        black[number, 3, number, 1] = 0.0
    for mode in ["self", "batch"] if model.relations else [None]:
        model.relations = mode
        expected = every_classifier.predicted(model, black)
        assert np.isfinite(expected).all()
        np.testing.assert_array_equal(every_classifier.predicted(model, rows), expected)


def test_every_finite_value_is_left_alone():
    limits = np.finfo("float32")
    values = [0.0, -0.0, limits.max, limits.min, limits.tiny, 254.99]
    given = np.array(values, "float32")
    np.testing.assert_array_equal(np.asarray(finite_pixels(given)), given)
    whole = np.arange(256, dtype="uint8")
    assert finite_pixels(whole) is whole


def test_training_on_such_a_pixel_shows_in_the_loss():
    model = every_classifier.made("rbi")
    rows = every_classifier.batch(8).astype("float32")
    model.compile("sgd", "sparse_categorical_crossentropy")
    rows[0] = np.nan
    assert np.isnan(model.train_on_batch(rows, every_classifier.LABELS))
