import keras
import numpy as np
import pytest

from keras_rbi.evaluation import calibration_error, classification_scores, probabilities_of


def test_calibration_error_by_hand():
    """Confidences 0.9, 0.9, 0.9 (two right), 0.5 (right) and 1 (right): three bins of fifteen.

    (3 |2/3 - 0.9| + 1 |1 - 0.5| + 1 |1 - 1|) / 5 = (0.7 + 0.5) / 5
    """
    probabilities = np.array([[0.9, 0.1]] * 3 + [[0.5, 0.5], [0.0, 1.0]])
    labels = np.array([0, 0, 1, 0, 1])
    assert calibration_error(probabilities, labels) == pytest.approx(1.2 / 5)


def test_bins_hold_their_upper_ends():
    """0.8 is in the bin from 0.6 to 0.8 beside 0.7, and not in that of 0.9."""
    probabilities = np.array([[0.8, 0.2], [0.7, 0.3], [0.9, 0.1]])
    labels = np.array([0, 1, 0])
    expected = (abs(1 - (0.8 + 0.7)) + abs(1 - 0.9)) / 3
    assert calibration_error(probabilities, labels, bins=5) == pytest.approx(expected)


@pytest.mark.parametrize("logits", [False, True])
def test_scores_are_those_of_keras(logits):
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(50, 9)).astype("float32")
    labels = rng.integers(0, 9, 50)
    if not logits:
        outputs = np.exp(outputs) / np.exp(outputs).sum(-1, keepdims=True)
        outputs[0] = np.eye(9)[(labels[0] + 1) % 9]
    scores = classification_scores(outputs, labels)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=logits)(labels, outputs)
    top5 = keras.metrics.SparseTopKCategoricalAccuracy(5)
    top5.update_state(labels, outputs)
    assert scores.loss == pytest.approx(float(keras.ops.convert_to_numpy(loss)), rel=1e-4)
    assert scores.top1 == np.mean(outputs.argmax(1) == labels)
    # The first row gives eight classes the same.
    assert abs(scores.top5 - float(keras.ops.convert_to_numpy(top5.result()))) <= 1 / 50 + 1e-6


def test_logits_become_probabilities():
    logits = np.log(np.array([[0.25, 0.75]])) + 3.0
    np.testing.assert_allclose(probabilities_of(logits), [[0.25, 0.75]])
    np.testing.assert_allclose(probabilities_of(np.array([[0.25, 0.75]])), [[0.25, 0.75]])


def test_a_model_that_knows_nothing_is_not_right_about_every_image():
    outputs = np.full((2, 20), 0.05)
    assert classification_scores(outputs, np.array([0, 19])).top5 == 0.0


def test_sigmoids_are_divided_by_their_sum():
    """Of 0.9, 0.3 and 0.3 the shares are 0.6, 0.2 and 0.2; the loss is -(ln 0.8 + ln 0.2) / 2."""
    outputs = np.array([[0.8, 0.2, 0.0], [0.9, 0.3, 0.3]])
    shares = probabilities_of(outputs, "sigmoid")
    np.testing.assert_allclose(shares, [[0.8, 0.2, 0.0], [0.6, 0.2, 0.2]])
    scores = classification_scores(outputs, np.array([0, 2]), "sigmoid")
    assert scores.loss == pytest.approx(0.916291, abs=1e-6)
    assert scores.top1 == 0.5
    # 0.8 is right and 0.6 is wrong, in bins of their own.
    assert scores.calibration_error == pytest.approx((0.2 + 0.6) / 2)
    np.testing.assert_allclose(probabilities_of(np.zeros((1, 4)), "sigmoid"), [[0.25] * 4])


def test_logits_that_look_like_probabilities_are_logits_where_that_is_known():
    outputs = np.array([[0.25, 0.75]])
    expected = np.exp(outputs) / np.exp(outputs).sum()
    np.testing.assert_allclose(probabilities_of(outputs, "linear"), expected)
    np.testing.assert_allclose(probabilities_of(np.log(outputs), "log_softmax"), outputs)


def test_outputs_of_another_activation_must_be_probabilities():
    outputs = np.array([[0.25, 0.75]])
    np.testing.assert_allclose(probabilities_of(outputs, "my_softmax"), outputs)
    with pytest.raises(ValueError, match=r"'relu' are no probabilities.*'softmax', 'sigmoid' or"):
        classification_scores(3 * outputs, np.array([0]), "relu")
