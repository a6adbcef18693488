"""One prediction from several images: against hand calculations and what single images say."""

import json

import numpy as np
import pytest
from every_classifier import SIDE, batch, made
from PIL import Image

from keras_rbi import evaluation, figures
from keras_rbi.evaluation.observation_calibration import best_temperature
from keras_rbi.evaluation.observation_draws import drawn_images, sizes_to_draw
from keras_rbi.training import RunFolder, observation_calibration

IMAGES = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.7, 0.1, 0.2]])


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_the_mean_of_log_probabilities_is_the_geometric_mean(temperature):
    geometric = np.prod(IMAGES, 0) ** (1 / 3 / temperature)
    found = evaluation.observation_probabilities(IMAGES, temperature)
    np.testing.assert_allclose(found, geometric / geometric.sum(), rtol=1e-12)


def test_supports_sum_to_the_log_odds():
    supports = evaluation.image_supports(IMAGES, 0.5)
    found = evaluation.observation_probabilities(IMAGES, 0.5)
    assert found.argsort()[::-1].tolist() == [0, 1, 2]
    assert supports.sum() == pytest.approx(np.log(found[0] / found[1]))
    assert supports[1] == pytest.approx(np.log(0.2 / 0.5) / 3 / 0.5)


def test_a_certain_image_does_not_rule_out_what_others_see():
    found = evaluation.observation_probabilities(np.array([[1.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_allclose(found, [0.5, 0.5])


def test_the_temperature_makes_the_mean_probability_the_share_of_right_ones():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 6, (400, 5))
    labels = np.where(rng.random(400) < 0.7, logits.argmax(1), rng.integers(0, 5, 400))
    scaled = logits / best_temperature(logits, labels)
    sure = (np.exp(scaled) / np.exp(scaled).sum(1, keepdims=True)).max(1).mean()
    right = np.sum(logits.argmax(1) == labels)
    assert sure == pytest.approx((right + 1) / 402, abs=1e-6)
    # All right: as sure as twenty observations can tell, and not more.
    every = best_temperature(logits, logits.argmax(1), count=20)
    scaled = logits / every
    sure = (np.exp(scaled) / np.exp(scaled).sum(1, keepdims=True)).max(1).mean()
    assert sure == pytest.approx(21 / 22, abs=1e-6)


def noisy(things, images, classes=4, seed=0):
    """Images that each tell a little of a thing's class, as probabilities."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(things) % classes, images)
    logits = rng.normal(0, 2, (len(labels), classes)) + 2 * np.eye(classes)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return probabilities, labels, [str(n) for n in np.repeat(np.arange(things), images)]


def test_more_images_are_right_more_often_and_calibrated():
    calibration = evaluation.calibrate_observations(*noisy(400, 8))
    assert sorted(calibration.temperatures) == [1, 2, 4, 8]
    found = evaluation.evaluate_observations(*noisy(400, 8, seed=1), calibration)
    rows = {row.images: row for row in found.rows}
    assert rows[1].top1 < rows[2].top1 < rows[4].top1 < rows[8].top1
    # All that an observation has are eight, whichever are drawn.
    assert rows[None].loss == pytest.approx(rows[8].loss)
    plain = evaluation.evaluate_observations(*noisy(400, 8, seed=1))
    for size in (4, 8):
        assert rows[size].calibration_error <= rows[1].calibration_error + 0.02
        assert rows[size].calibration_error < plain.rows[size.bit_length() - 1].calibration_error
    assert found.csv().splitlines()[-1].startswith("all,400,")
    assert [axes.get_xlabel() for axes in figures.observations_figure(found).axes] == [
        "images of one thing"
    ] * 2


def test_one_image_each_is_the_score_of_images():
    probabilities, labels, _ = noisy(50, 1)
    names = [str(n) for n in range(50)]
    (one, every) = evaluation.evaluate_observations(probabilities, labels, names).rows
    assert one.top1 == every.top1 == np.mean(probabilities.argmax(1) == labels)


def test_draws_are_of_one_observation_and_repeat_no_image():
    members = [np.array([4, 9, 2]), np.array([7])]
    drawn = drawn_images(members, 2, draws=30)
    assert drawn.shape == (30, 2)
    assert {tuple(sorted(row)) for row in drawn.tolist()} == {(4, 9), (2, 4), (2, 9)}
    assert sizes_to_draw([9, 9, 3], least=2) == [1, 2, 4, 8]
    assert sizes_to_draw([9, 3], least=2) == [1, 2]


def test_between_and_beyond_the_numbers_that_were_tried():
    known = evaluation.ObservationCalibration({1: 2.0, 2: 1.0, 8: 0.5})
    assert [known.temperature(n) for n in (1, 4, 8, 99)] == [2.0, 0.75, 0.5, 0.5]
    again = evaluation.ObservationCalibration.from_dict(json.loads(json.dumps(known.as_dict())))
    assert again == known
    assert not evaluation.calibrate_observations(*noisy(9, 4)).temperatures


def test_a_damaged_file_of_a_run_is_told(tmp_path):
    assert observation_calibration(tmp_path).temperature(4) == 1.0
    RunFolder(tmp_path).observations.write_text('{"temperatures": {"1": -2}}')
    with pytest.raises(ValueError, match=r"observations.json' is damaged: temperatures must be"):
        observation_calibration(tmp_path)


@pytest.fixture
def photographs(tmp_path):
    things = {}
    for number, image in enumerate(batch(5)):
        file = tmp_path / f"{number}.png"
        Image.fromarray(image).save(file)
        things.setdefault("wide" if number < 3 else "narrow", []).append(file)
    (tmp_path / "broken.png").write_bytes(b"no image")
    things["narrow"].append(tmp_path / "broken.png")
    things["none"] = [tmp_path / "broken.png"]
    return things


def test_files_are_predicted_together(photographs):
    model, images = made("rbi"), batch(5)
    assert images.shape[1:3] == (SIDE, SIDE)
    single = np.stack([model.predict_on_batch(images[n : n + 1])[0] for n in range(5)])
    calibration = evaluation.ObservationCalibration({1: 1.0, 2: 0.8, 4: 0.5})
    wide, narrow, none = evaluation.predict_observations(
        model, photographs, calibration=calibration
    )
    for found, rows in ((wide, single[:3]), (narrow, single[3:])):
        expected = np.exp(np.log(rows).mean(0) / calibration.temperature(len(rows)))
        np.testing.assert_allclose(found.probabilities, expected / expected.sum(), atol=1e-5)
        assert found.class_name == model.class_names[expected.argmax()]
    assert (len(narrow.images), len(narrow.unreadable)) == (2, 1)
    assert none.probabilities is None
    assert "broken.png" in none.unreadable[0].error


def test_images_relate_within_their_observation_where_asked(photographs):
    model, images = made("rbi"), batch(5)
    del photographs["none"]
    model.relations = "batch"
    related = [model.predict_on_batch(images[:3]), model.predict_on_batch(images[3:])]
    model.relations = "self"
    found = list(evaluation.predict_observations(model, photographs, relations="batch"))
    for one, rows in zip(found, related, strict=True):
        expected = np.exp(np.log(rows).mean(0))
        np.testing.assert_allclose(one.probabilities, expected / expected.sum(), atol=1e-5)
    alone = list(evaluation.predict_observations(model, photographs))
    assert not np.allclose(alone[0].probabilities, found[0].probabilities, atol=1e-4)
    assert model.relations == "self"
