"""The heads and the loss of P2P-Net against its equations, and against its published program."""

import json

import keras
import numpy as np
import pytest
from backend_functions import assert_close, gradients, once, stateless, to_numpy
from keras import ops
from p2p_literal import P2P, in_our_layout, losses, rank, smoothed, variables, weight_shapes

from keras_rbi.models import P2PNet
from keras_rbi.models.cross_entropy import cross_entropy
from keras_rbi.models.p2p_net.p2p_loss import PEAKS, alignment, p2p_loss, peaked, ranking

FEATURES, UNITS, CLASSES, PARTS, SIDE = 8, 5, 3, 4, 128
LISTS = ("logits", "part_logits", "embeddings", "aligned")
RULES = ("intended", "official")


def backbone(features, side):
    """Stages of an eighth, a sixteenth and a thirty-second of the sides, which are not run."""
    maps = inputs = keras.Input((side, side, 3))
    for channels, stride in ((features // 4, 8), (features // 2, 2), (features, 2)):
        maps = keras.layers.Conv2D(channels, stride, stride, use_bias=False)(maps)
    return keras.Model(inputs, maps)


class Case:
    """A model with given weights, fed with the maps of its stages."""

    def __init__(self, weights, features, units, num_classes, side, matching="intended"):
        keras.utils.clear_session()
        self.model = P2PNet(
            backbone(features, side),
            num_classes,
            relations=None,
            units=units,
            dropout=0.0,
            matching=matching,
            preprocessing=None,
        )
        self.places = {id(each): place for place, each in enumerate(self.model.variables)}
        for name, variable in variables(self.model).items():
            variable.assign(in_our_layout(weights[name]))
        self.start = [to_numpy(variable) for variable in self.model.variables]

    def run(self, maps, part_maps, training, values=None):
        """Outputs, and the values that the variables have then."""

        def outputs_of(*tensors):
            return _outputs(self.model, tensors, training)

        call = once(stateless(self.model, outputs_of))
        tensors = [ops.convert_to_tensor(np.float32(each)) for each in (*maps, *part_maps)]
        return call([ops.convert_to_tensor(value) for value in values or self.start], *tensors)

    def value(self, values, variable):
        return to_numpy(values[self.places[id(variable)]])


def _outputs(model, tensors, training):
    part_scores, boxes = model.propose(tensors[2])
    details = model.embed_parts(tensors[:3], tensors[3:], training)
    outputs = model.classify(model.attend(details, None, training=training), training)
    return {**outputs, "part_scores": part_scores, "boxes": boxes}


def channels_last(maps):
    return maps.transpose(0, 2, 3, 1)


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(0)
    weights = {
        name: rng.uniform(0.5, 2, shape) if "var" in name else rng.normal(0, 0.4, shape)
        for name, shape in weight_shapes(FEATURES, UNITS, CLASSES, PARTS).items()
    }
    channels = (FEATURES // 4, FEATURES // 2, FEATURES)
    maps = [rng.normal(size=(3, width, 4, 4)) for width in channels]
    part_maps = [rng.normal(size=(12, width, 3, 3)) for width in channels]
    heads = Case(weights, FEATURES, UNITS, CLASSES, SIDE)
    assert len(variables(heads.model)) + 2 + 3 == len(heads.model.variables)
    return heads, weights, maps, part_maps


def test_outputs_and_state_are_those_of_the_equations(case):
    heads, weights, maps, part_maps = case
    literal, values = P2P(weights, PARTS), None
    inputs = [channels_last(each) for each in maps], [channels_last(each) for each in part_maps]
    for training in (True, True, False):
        found, values = heads.run(*inputs, training, values)
        expected = literal.prediction(maps, part_maps, training)
        for name in LISTS:
            for ours, theirs in zip(found[name], expected[name], strict=True):
                assert_close(ours, theirs)
        np.testing.assert_array_equal(to_numpy(found["order"]), expected["order"])
        assert_close(found["probabilities"], expected["probabilities"])
    for name, variable in variables(heads.model).items():
        if "running" in name:
            assert_close(heads.value(values, variable), literal.weights[name])
    assert_close(heads.value(values, heads.model.aligner.centers), literal.centers)
    assert heads.value(values, heads.model.aligner.count) == literal.count == 6


def test_proposals_are_those_of_the_equations(case):
    heads, weights, maps, _ = case
    found = heads.model.proposer(ops.convert_to_tensor(channels_last(maps[2]), "float32"))
    assert_close(found, P2P(weights, PARTS).propose(maps[2]))


def test_the_loss_is_that_of_the_equations(case):
    heads, _, maps, part_maps = case
    inputs = [channels_last(each) for each in maps], [channels_last(each) for each in part_maps]
    found, _ = heads.run(*inputs, True)
    labels = np.array([2, 0, 2])
    loss = p2p_loss(found, ops.one_hot(labels, CLASSES))
    assert loss.shape == (3,)
    terms = losses(keras.tree.map_structure(to_numpy, found), labels)
    assert_close(ops.mean(loss), sum(terms.values()))


@pytest.fixture(scope="module")
def recorded_cases():
    return {}


@pytest.fixture
def recorded(parity, recorded_cases):
    """The recorded numbers, and the heads with the recorded weights for each rule, made once."""
    if not recorded_cases:
        numbers = parity("p2p_heads.npz")
        config = json.loads(str(numbers["config"]))
        assert tuple(config["peaks"]) == PEAKS
        weights = {
            name.removeprefix("weight/"): values
            for name, values in numbers.items()
            if name.startswith("weight/")
        }
        recorded_cases["numbers"] = numbers
        for rule in RULES:
            recorded_cases[rule] = Case(
                weights,
                config["num_features"],
                config["feature_size"],
                config["num_classes"],
                config["image_side"],
                rule,
            )
    return recorded_cases


def maps_of(numbers, number):
    return tuple(
        [channels_last(numbers[f"input{number}/{kind}/g{stage}"]) for stage in (1, 2, 3)]
        for kind in ("image", "part")
    )


def assert_outputs(found, numbers, prefix, rule):
    for number in (1, 2, 3, 4):
        assert_close(found["logits"][number - 1], numbers[f"{prefix}/y{number}"], 2e-5)
        expected = numbers[f"{prefix}/yp{number}"]
        part_logits = to_numpy(found["part_logits"][number - 1]).reshape(expected.shape)
        assert_close(part_logits, expected, 2e-5)
    for number in (1, 2, 3):
        assert_close(found["embeddings"][number - 1], numbers[f"{prefix}/r{number}"], 2e-5)
        assert_close(found["aligned"][number - 1], numbers[f"{prefix}/{rule}/e{number}"], 2e-5)
    assert_close(found["part_scores"], numbers[f"{prefix}/part_score"], 2e-5)
    np.testing.assert_array_equal(to_numpy(found["order"]), numbers[f"{prefix}/{rule}/part_order"])


@pytest.mark.parametrize("rule", RULES)
def test_answers_are_the_recorded_ones(recorded, rule):
    numbers, heads = recorded["numbers"], recorded[rule]
    values = list(heads.start)
    aligner = heads.model.aligner
    values[heads.places[id(aligner.centers)]] = numbers["match_state/centers"]
    values[heads.places[id(aligner.count)]] = np.float32(numbers["match_state/count"])
    maps, part_maps = maps_of(numbers, 1)
    found, _ = heads.run(maps, part_maps, False, values)
    assert_outputs(found, numbers, "output", rule)
    np.testing.assert_array_equal(to_numpy(found["boxes"]) + 224, numbers["proposal/boxes"])
    np.testing.assert_array_equal(
        to_numpy(found["probabilities"]).argmax(1), numbers["output/prediction"]
    )
    assert_close(heads.model.proposer(maps[2]), numbers["proposal/scores"], 2e-5)


@pytest.mark.parametrize("rule", RULES)
def test_two_steps_are_the_recorded_ones(recorded, rule):
    numbers, heads, values = recorded["numbers"], recorded[rule], None
    for step in (1, 2):
        prefix = f"train/step{step}"
        found, values = heads.run(*maps_of(numbers, step), True, values)
        assert_outputs(found, numbers, prefix, rule)
        labels = numbers[f"labels{step}"]
        terms = losses(keras.tree.map_structure(to_numpy, found), labels)
        for number in (1, 2, 3, 4):
            for ours, theirs in (("image", "y"), ("parts", "yp")):
                expected = numbers[f"{prefix}/loss/smooth_ce_{theirs}{number}"]
                assert_close(terms[f"{ours}_{number}"], expected, 2e-5)
        assert_close(terms["ranking"], numbers[f"{prefix}/loss/rank"], 2e-5)
        of_alignment = [terms[f"alignment_{number}"] for number in (1, 2, 3)]
        assert_close(of_alignment, numbers[f"{prefix}/{rule}/loss/reg"], 2e-5)
        total = ops.mean(p2p_loss(found, ops.one_hot(labels, found["logits"][0].shape[1])))
        assert_close(total, numbers[f"{prefix}/{rule}/loss/total"], 2e-5)
        aligner = heads.model.aligner
        assert_close(
            heads.value(values, aligner.centers), numbers[f"{prefix}/{rule}/centers_after"], 2e-5
        )
        assert heads.value(values, aligner.count) == numbers[f"{prefix}/{rule}/count_after"]
        for name, variable in variables(heads.model).items():
            if "running" in name:
                # Their variances are the unbiased ones, of four images in the classifiers.
                tolerance = 2e-5 if "mean" in name else 0.15
                moved = heads.value(values, variable)
                assert_close(moved, numbers[f"{prefix}/bn_after/{name}"], tolerance)


@pytest.mark.parametrize("rule", RULES)
def test_gradients_are_the_recorded_ones(recorded, rule):
    numbers, heads = recorded["numbers"], recorded[rule]
    model = heads.model
    _, values = heads.run(*maps_of(numbers, 1), True)
    values = [to_numpy(value) for value in values]
    maps, part_maps = maps_of(numbers, 2)
    targets = ops.one_hot(numbers["labels2"], model.num_classes)
    call = stateless(model, lambda *tensors: _outputs(model, tensors, True))

    def loss(*tensors):
        outputs, _ = call(list(tensors[: len(values)]), *tensors[len(values) :])
        # So that everything has a gradient, which may be zero.
        return ops.mean(p2p_loss(outputs, targets)) + 0.0 * sum(map(ops.sum, tensors))

    found = gradients(loss, *values, *maps, *part_maps)
    names = variables(model)
    compared = 0
    for key, expected in numbers.items():
        name = key.removeprefix(f"grad/{rule}/")
        if name == key:
            continue
        if name.startswith("input/"):
            place = len(values) + 3 * ("part" in name) + int(name[-1]) - 1
            expected = channels_last(expected)
        else:
            place = heads.places[id(names[name])]
            expected = in_our_layout(expected)
        tolerance = 1e-4 * np.sqrt(np.mean(expected**2)) + 1e-6
        np.testing.assert_allclose(found[place], expected, rtol=1e-4, atol=tolerance, err_msg=name)
        compared += 1
    # All but the backbone's three and two large ones, or those that depend on the rule.
    expected = {"intended": len(model.trainable_variables) - 3 - 2 + 6, "official": 15}
    assert compared == expected[rule]


@pytest.mark.parametrize("classes", [2, 10, 200])
def test_peaked_cross_entropy_is_the_recorded_one(parity, classes):
    numbers = parity("p2p_heads.npz")
    logits, labels, values, by_row = (
        numbers[f"smooth_ce/K{classes}/{key}"]
        for key in ("logits", "labels", "value", "per_row_ce")
    )
    targets = ops.one_hot(labels, classes)
    for peak, value in zip(numbers["smooth_ce/peaks"], values, strict=True):
        found = ops.mean(cross_entropy(ops.convert_to_tensor(logits), peaked(targets, float(peak))))
        assert_close(found, value)
        assert_close(smoothed(logits, labels, peak), value)
    assert_close(cross_entropy(ops.convert_to_tensor(logits), targets), by_row)


def test_ranking_is_the_recorded_one(parity):
    numbers = parity("p2p_heads.npz")
    for scores, wrong, value in zip(
        numbers["rank/scores"], numbers["rank/losses"], numbers["rank/value"], strict=True
    ):
        found = ranking(ops.convert_to_tensor(scores), ops.convert_to_tensor(wrong))
        assert_close(ops.mean(found), value)
        assert_close(rank(scores, wrong) / len(scores), value)


def test_alignment_and_what_both_sides_learn_are_the_recorded_ones(parity):
    numbers = parity("p2p_heads.npz")
    for number, (row, other) in enumerate(zip(numbers["reg/r"], numbers["reg/e"], strict=True)):
        both = ops.convert_to_tensor(row), ops.convert_to_tensor(other)
        assert_close(0.1 * ops.mean(alignment(*both)), numbers["reg/value"][number])
        found = gradients(lambda r, e: 0.1 * ops.mean(alignment(r, e)), row, other)
        for gradient, name in zip(found, ("grad_r", "grad_e"), strict=True):
            assert_close(gradient, numbers[f"reg/{name}/{number}"])
