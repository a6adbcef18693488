"""Classes that come later: rows against an independent optimum, and models that keep the rest."""

import numpy as np
import pytest
from every_classifier import CLASSES, EVERY, LABELS, batch, made
from scipy.special import log_softmax, softmax

import keras_rbi
from keras_rbi.models.add_classes import head_of
from keras_rbi.models.loading import load_model
from keras_rbi.models.new_rows import (
    Head,
    Judged,
    Known,
    best_shift,
    fitted,
    hold_back,
    imprinted,
    judged,
    refitted,
    rows_of,
    shifted,
)

OLD, NEW, WIDTH = 4, 2, 6
ONE_CLASSIFIER = ["rbi", "rbi_paper", "batch_former", "backbone_alone"]


def problem(seed=0, images=12, spread=1.0):
    """A linear classifier of old classes, and feature vectors of old and new ones."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 2, (OLD + NEW, WIDTH))

    def known(classes, count):
        labels = np.repeat(np.arange(len(classes)), count)
        return Known(
            centres[classes][labels] + spread * rng.normal(size=(len(labels), WIDTH)), labels
        )

    old, new = np.arange(OLD), np.arange(OLD, OLD + NEW)
    head = Head(centres[old].T.copy(), -0.5 * np.sum(centres[old] ** 2, 1))
    return head, known(new, images), known(old, 3 * images), known(old, images)


def test_fitted_rows_are_where_the_loss_has_no_slope():
    old, new, known, _ = problem()
    restraint = 0.05
    rows = fitted(old, new, known, restraint)
    begin = imprinted(old, new, known)
    features = np.concatenate([known.features, new.features])
    labels = np.concatenate([known.labels, new.labels + OLD])
    scale = np.sqrt(known.features.var(0).mean())

    def loss(kernel, bias):
        logits = features @ np.c_[old.kernel, kernel] + np.r_[old.bias, bias]
        each = -log_softmax(logits, 1)[np.arange(len(labels)), labels]
        # Classes count alike.
        alike = np.mean([each[labels == label].mean() for label in range(OLD + NEW)])
        return alike + restraint / 2 * np.sum(((kernel - begin.kernel) * scale) ** 2)

    least, rng = loss(rows.kernel, rows.bias), np.random.default_rng(1)
    assert least < loss(begin.kernel, begin.bias)
    for _ in range(20):
        kernel, bias = rng.normal(0, 0.02, (WIDTH, NEW)), rng.normal(0, 0.02, NEW)
        assert loss(rows.kernel + kernel, rows.bias + bias) > least


def test_refitted_rows_move_less_the_more_they_are_held_back():
    old, new, known, _ = problem()
    added = fitted(old, new, known, 0.05)
    free, held = (refitted(old, added, new, known, restraint) for restraint in (0.001, 1000.0))
    before = np.c_[old.kernel, added.kernel]
    assert np.abs(held.kernel - before).max() < 1e-3 < np.abs(free.kernel - before).max()
    features = np.concatenate([known.features, new.features])
    labels = np.concatenate([known.labels, new.labels + OLD])

    def loss(head):
        each = -np.log(softmax(head.logits(features), 1)[np.arange(len(labels)), labels])
        return np.mean([each[labels == label].mean() for label in range(OLD + NEW)])

    assert loss(free) < loss(old.beside(added))


@pytest.mark.parametrize("allowed", [0.0, 0.05, 1.0])
def test_the_shift_is_the_best_of_all(allowed):
    rng = np.random.default_rng(0)
    of_old, labels = rng.normal(size=(200, OLD + NEW)), rng.integers(0, OLD, 200)
    of_old[np.arange(200), labels] += 1.5
    of_new, new_labels = rng.normal(size=(60, OLD + NEW)), rng.integers(0, NEW, 60)
    of_new[np.arange(60), OLD + new_labels] += 1.5
    before = of_old[:, :OLD]
    found = best_shift(Judged(1.0, of_old, of_new, new_labels), before, labels, allowed)

    def shares(shift):
        changed = [part - shift * np.repeat([0.0, 1.0], [OLD, NEW]) for part in (of_old, of_new)]
        right = (changed[0].argmax(1) == labels, changed[1].argmax(1) == new_labels + OLD)
        return right[0].mean(), right[1].mean()

    assert found.old_before == pytest.approx(np.mean(before.argmax(1) == labels))
    assert shares(found.shift) == pytest.approx((found.old_after, found.new_after))
    tried = [
        (OLD * old + NEW * new) / (OLD + NEW)
        for old, new in map(shares, np.linspace(0, 6, 301))
        if old >= found.old_before - allowed - 1e-9
    ]
    assert found.score(OLD, NEW) >= max(tried) - 1e-9


def test_room_that_few_old_images_leave_is_not_taken():
    labels, new_labels = np.arange(OLD), np.arange(NEW)
    # The old images are far from being lost, and the new ones a little from being right.
    of_old, of_new = np.zeros((OLD, OLD + NEW)), np.zeros((NEW, OLD + NEW))
    of_old[labels, labels] = 5.0
    of_new[:, 0] = 1.0
    found = best_shift(Judged(1.0, of_old, of_new, new_labels), of_old[:, :OLD], labels, 0.01)
    assert (found.shift, found.old_after, found.new_after) == (0.0, 1.0, 0.0)


def test_old_classes_keep_what_they_are_allowed_to_lose():
    old, new, known, held_out = problem(spread=2.5, images=20)
    before = old.logits(held_out.features)
    found = judged(old, new, known, held_out)
    assert [one.of_new.shape for one in found] == [(2 * 20, OLD + NEW)] * len(found)
    right = np.mean(before.argmax(1) == held_out.labels)
    for allowed in (0.0, 0.03):
        held = hold_back(found, before, held_out.labels, allowed)
        whole = shifted(rows_of(old, new, known, held.restraint), OLD, held.shift)
        after = np.mean(whole.logits(held_out.features).argmax(1) == held_out.labels)
        assert after == pytest.approx(held.old_after)
        assert after >= right - allowed - 1e-9


def test_a_class_of_one_image_is_not_judged_by_itself():
    old, new, known, held_out = problem()
    few = new.at(np.array([0, 12, 13]))
    found = judged(old, few, known, held_out)
    assert all(len(one.of_new) == 0 for one in found)
    before = old.logits(held_out.features)
    held = hold_back(found, before, held_out.labels, 0.0)
    assert held.old_after == held.old_before
    assert np.isnan(held.new_after)
    # No more than that takes.
    assert hold_back(found, before, held_out.labels, 1.0).shift == 0.0
    whole = shifted(rows_of(old, few, known, held.restraint), OLD, held.shift)
    assert np.mean(whole.logits(few.features).argmax(1) == few.labels + OLD) > 0.5


@pytest.mark.parametrize("kind", ONE_CLASSIFIER)
def test_a_model_keeps_everything_but_has_more_classes(kind, tmp_path):
    model, images = made(kind), batch(8)
    new, labels = batch(6, seed=5), np.array([0, 1, 0, 1, 0, 1])
    before = [np.array(weight) for weight in model.get_weights()]
    more = model.add_classes(
        new, labels, ["emu", "finch"], known=(images, LABELS), held_out=(images, LABELS)
    )
    assert more.class_names == [*model.class_names, "emu", "finch"]
    for old, own in zip(model.classifier.get_weights(), more.classifier.get_weights(), strict=True):
        assert np.array_equal(old, own[..., :CLASSES])
    assert all(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))
    # Old probabilities keep their ratios: their logits are the same.
    old, after = model.predict_on_batch(images), more.predict_on_batch(images)
    ratios = after[:, :CLASSES] / after[:, :CLASSES].sum(1, keepdims=True)
    np.testing.assert_allclose(ratios, old, atol=2e-5)
    more.save(tmp_path / "more.keras")
    again = load_model(tmp_path / "more.keras")
    np.testing.assert_allclose(again.predict_on_batch(new), more.predict_on_batch(new), atol=1e-6)
    assert again.relations == model.relations
    assert list(model.add_classes(new, labels, ["emu", "finch"]).predict_on_batch(new).shape) == [
        6,
        CLASSES + 2,
    ]


def test_rows_are_refitted_where_asked():
    model, images = made("backbone_alone"), batch(8)
    more = model.add_classes(
        batch(4, seed=5), [0, 0, 1, 1], ["emu", "finch"], known=(images, LABELS), refit=True
    )
    assert not np.array_equal(head_of(more).kernel[:, :CLASSES], head_of(model).kernel)


@pytest.mark.parametrize("kind", sorted(set(EVERY) - set(ONE_CLASSIFIER)))
def test_models_of_several_classifiers_are_refused_by_name(kind):
    model = made(kind)
    with pytest.raises(ValueError, match=f"Received: a {type(model).__name__}, which has several"):
        model.add_classes(batch(2), [0, 1], ["emu", "finch"])


@pytest.mark.parametrize(
    ("labels", "names", "more", "said"),
    [
        ([0, 2], ["a", "b", "c"], {}, "none with the label 1"),
        ([0, 1], ["a"], {}, "must name the 2 new classes"),
        ([0, 1], None, {}, "must name the 2 new classes"),
        ([0, 1], ["auk", "emu"], {}, "of which the model knows auk"),
        ([0, 1], ["emu", "emu"], {}, "names of their own"),
        ([0.5, 1.0], ["a", "b"], {}, "one integer label"),
        ([0, 1], ["a", "b"], {"refit": True}, "takes images of the old classes"),
        ([0, 1], ["a", "b"], {"known": (batch(1), [9])}, "from 0 to 3. Received: 9"),
    ],
)
def test_what_is_unfit_is_told(labels, names, more, said):
    with pytest.raises(ValueError, match=said):
        made("backbone_alone").add_classes(batch(2), labels, names, **more)


def small_rbi(**arguments):
    backbone = keras_rbi.backbones.SmallCNN((8, 8, 3), widths=(4,))
    return keras_rbi.RBIModel(backbone, **arguments)


def test_pixels_that_are_no_numbers_count_as_0_in_new_classes():
    model = small_rbi(num_classes=2)
    photographs = np.random.default_rng(0).uniform(2, 255, (2, 8, 8, 3)).astype("float32")
    photographs[0, 0, 0, 0], photographs[1, 2, 2, 1] = 0, 0
    expected = model.add_classes(photographs, [0, 1]).classifier.get_weights()[0]
    photographs[0, 0, 0, 0], photographs[1, 2, 2, 1] = np.nan, np.inf
    given = model.add_classes(photographs, [0, 1]).classifier.get_weights()[0]
    np.testing.assert_allclose(given, expected, rtol=1e-5)


def test_new_images_of_0_to_1_get_a_warning():
    with pytest.warns(UserWarning, match=r"pixels of 0\.\.255"):
        small_rbi(num_classes=2).add_classes(np.full((1, 8, 8, 3), 0.5, "float32"), [0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda model: model.classifier.enable_lora(1), "have LoRA.*'classifier'"),
        (lambda model: model.classifier.quantize("int8"), "is quantized.*'classifier' in int8"),
    ],
    ids=["LoRA", "int8"],
)
def test_changed_layers_are_told(change, said):
    model = small_rbi(num_classes=2)
    change(model)
    with pytest.raises(ValueError, match=said):
        model.add_classes(np.zeros((1, 8, 8, 3), "uint8"), [0])


def test_a_model_without_classes_has_none_to_add_to():
    with pytest.raises(ValueError, match="number of classes is not known yet"):
        small_rbi().add_classes(np.zeros((1, 8, 8, 3), "uint8"), [0])
