"""The heads and the loss of HERBS against its equations, and against its published program."""

import functools
import json

import keras
import numpy as np
import pytest
from backend_functions import assert_close, gradients, once, to_numpy
from herbs_literal import herbs, in_our_layout, losses, variables, weight_shapes
from keras import ops

from keras_rbi.models import TemperatureHalving
from keras_rbi.models.herbs.herbs_heads import herbs_heads, selected_by_default
from keras_rbi.models.herbs.herbs_loss import WEIGHTS, herbs_loss, refinement, suppression

TOKENS, CHANNELS, UNITS, CLASSES, SELECTED = (36, 16, 9), (3, 6, 8), 8, 5, (30, 16, 2)
LISTS = ("top_down", "bottom_up", "selected", "dropped")


class Case:
    """Heads with given weights, and what they make of the tokens of stages."""

    def __init__(self, units, num_classes, num_selected, stages, weights):
        keras.utils.clear_session()
        inputs = [keras.Input(tokens.shape[1:]) for tokens in stages]
        outputs = herbs_heads(inputs, num_classes, units, num_selected, dropout=0.0)
        self.model = keras.Model(inputs, outputs)
        self.stages, self.weights = stages, weights
        ours = variables(self.model)
        assert len({id(variable) for variable in ours.values()}) == len(self.model.weights)
        for name, variable in ours.items():
            variable.assign(in_our_layout(name, weights[name], variable))
        self.run = functools.cache(self._run)

    def _run(self, training):
        """Outputs, and what becomes of the variables that are not trained."""
        states = [
            [variable.value for variable in variables]
            for variables in (self.model.trainable_variables, self.model.non_trainable_variables)
        ]
        call = once(lambda *arguments: self.model.stateless_call(*arguments, training=training))
        return call(*states, [ops.convert_to_tensor(tokens) for tokens in self.stages])


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(0)
    shapes = weight_shapes(TOKENS, CHANNELS, UNITS, CLASSES, SELECTED)
    weights = {
        name: rng.uniform(0.5, 2, shape) if "var" in name else rng.normal(0, 0.4, shape)
        for name, shape in shapes.items()
    }
    stages = [
        rng.normal(size=(4, *shape)).astype("float32")
        for shape in zip(TOKENS, CHANNELS, strict=True)
    ]
    return Case(UNITS, CLASSES, SELECTED, stages, weights)


@pytest.mark.parametrize("training", [False, True])
def test_outputs_are_those_of_the_equations(case, training):
    found = case.run(training)[0]
    expected = herbs(case.stages, case.weights, SELECTED, training)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        if name not in LISTS:
            assert_close(found[name], values)
            continue
        for ours, theirs in zip(found[name], values, strict=True):
            assert_close(ours, theirs)


@pytest.mark.parametrize("temperature", [64.0, 0.5])
def test_the_loss_is_that_of_the_equations(case, temperature):
    labels = np.array([4, 0, 0, 2])
    found = herbs_loss(
        case.run(False)[0],
        ops.one_hot(labels, CLASSES),
        temperature,
        {"selection": 0.7, "refinement": 1e4},
    )
    terms = losses(herbs(case.stages, case.weights, SELECTED), labels, temperature)
    factors = WEIGHTS | {"selection": 0.7, "refinement": 1e4}
    expected = sum(factors[name.split("_")[0]] * value for name, value in terms.items())
    assert found.shape == (4,)
    assert_close(ops.mean(found), expected)


@pytest.fixture(scope="module")
def recorded_case():
    return {}


@pytest.fixture
def recorded(parity, recorded_case):
    """The recorded numbers and the heads with the recorded weights, made once."""
    if not recorded_case:
        numbers = parity("herbs_small.npz")
        config = json.loads(str(numbers["config"]))
        weights = {
            name.removeprefix("weight/"): numbers[name]
            for name in numbers
            if name.startswith("weight/")
        }
        heads = Case(
            config["fpn_size"],
            config["num_classes"],
            list(config["num_selects"].values()),
            [numbers[f"input/layer{level}"] for level in (1, 2, 3, 4)],
            weights,
        )
        recorded_case.update(numbers=numbers, config=config, heads=heads)
    return recorded_case


@pytest.mark.parametrize("training", [False, True])
def test_outputs_are_the_recorded_ones(recorded, training):
    numbers, suffix = recorded["numbers"], "_train" if training else ""
    found, moved = recorded["heads"].run(training)
    for ours, theirs in zip(
        LISTS, ("FPN1_layer", "layer", "select_layer", "drop_layer"), strict=True
    ):
        for level, values in enumerate(found[ours], 1):
            expected = numbers[f"output{suffix}/{theirs}{level}"]
            if ours == "dropped":
                # The last of them lie closer together than backends agree.
                values, expected = np.sort(to_numpy(values), 1), np.sort(expected, 1)
            assert_close(values, expected, 2e-5)
    assert_close(found["combined"], numbers[f"output{suffix}/comb_outs"], 2e-5)
    assert_close(found["features"], numbers[f"intermediate{suffix}/combiner_embedding"], 2e-5)
    if not training:
        assert_close(9 * found["probabilities"], numbers["prediction/score_sum"], 2e-5)
        np.testing.assert_array_equal(
            to_numpy(found["probabilities"]).argmax(1), numbers["prediction/class"]
        )
        return
    places = {
        id(variable): value
        for variable, value in zip(
            recorded["heads"].model.non_trainable_variables, moved, strict=True
        )
    }
    rows = numbers["output/layer1"].shape[0]
    for name, variable in variables(recorded["heads"].model).items():
        if "running" in name:
            # Their variances are the unbiased ones.
            tolerance = 2e-5 if "mean" in name else 1.2 / (rows * recorded["config"]["num_joints"])
            assert_close(places[id(variable)], numbers[f"bn_after/{name}"], tolerance)


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("temperature", [64, 2, 0.5])
def test_losses_are_the_recorded_ones(recorded, temperature, mode):
    numbers, labels = recorded["numbers"], recorded["numbers"]["labels"]
    outputs = recorded["heads"].run(mode == "train")[0]
    targets = ops.one_hot(labels, recorded["config"]["num_classes"])
    prefix = f"loss/{mode}/T{temperature}"
    total = ops.mean(herbs_loss(outputs, targets, temperature))
    assert_close(total, numbers[f"{prefix}/total"], 2e-5)
    for i in range(4):
        found = ops.mean(refinement(outputs["top_down"][i], outputs["bottom_up"][i], temperature))
        np.testing.assert_allclose(
            to_numpy(found), numbers[f"{prefix}/refine_layer{i + 1}"], rtol=2e-5, atol=1e-8
        )
        found = ops.mean(suppression(outputs["dropped"][i]))
        assert_close(found, numbers[f"{prefix}/drop_layer{i + 1}"], 2e-5)


def test_gradients_are_the_recorded_ones(recorded):
    model, numbers = recorded["heads"].model, recorded["numbers"]
    targets = ops.one_hot(numbers["labels"], recorded["config"]["num_classes"])
    count = len(model.trainable_variables)

    def loss(*tensors):
        outputs, _ = model.stateless_call(
            list(tensors[:count]),
            [variable.value for variable in model.non_trainable_variables],
            list(tensors[count:]),
            training=True,
        )
        return ops.mean(herbs_loss(outputs, targets, 0.5))

    values = [to_numpy(variable) for variable in model.trainable_variables]
    found = gradients(loss, *values, *recorded["heads"].stages)
    of_variable = {
        id(variable): gradient
        for variable, gradient in zip(model.trainable_variables, found[:count], strict=True)
    }
    compared = 0
    for name, variable in variables(model).items():
        if id(variable) in of_variable:
            expected = in_our_layout(name, numbers[f"grad/{name}"], variable)
            tolerance = 1e-4 * np.sqrt(np.mean(expected**2)) + 1e-6
            np.testing.assert_allclose(
                of_variable[id(variable)], expected, rtol=1e-4, atol=tolerance, err_msg=name
            )
            compared += 1
    assert compared == count
    for level, gradient in enumerate(found[count:], 1):
        assert_close(gradient, numbers[f"grad/input/layer{level}"], 1e-4)


def test_the_teacher_learns_nothing_from_refinement():
    rng = np.random.default_rng(0)
    student, teacher = (rng.normal(size=(2, 4, 3)).astype("float32") for _ in range(2))
    of_student, of_teacher = gradients(
        lambda student, teacher: (
            # So that the teacher has a gradient, which is zero.
            ops.sum(refinement(student, teacher, 2.0)) + 0.0 * ops.sum(teacher)
        ),
        student,
        teacher,
    )
    assert np.abs(of_student).max() > 1e-3
    np.testing.assert_array_equal(of_teacher, 0.0)


def test_no_dropped_token_is_no_loss():
    np.testing.assert_array_equal(to_numpy(suppression(ops.zeros((3, 0, 5)))), np.zeros(3))


def test_the_temperature_is_halved_every_ten_epochs(parity):
    recorded = json.loads(str(parity("herbs_small.npz")["config"]))
    halving = TemperatureHalving(recorded["temperature_init"])
    for temperature, at in recorded["temperatures"].items():
        assert halving.at(at["epoch"]) == float(temperature)


def test_selects_in_the_proportions_of_herbs():
    assert selected_by_default([2304, 576, 144, 144]) == [256, 128, 64, 32]
    assert selected_by_default([4, 1]) == [2, 1]
