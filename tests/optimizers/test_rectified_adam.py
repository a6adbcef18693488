import json

import keras
import literal
import numpy as np
import pytest
from backend_functions import assert_close, compiled_apply, to_numpy

from keras_rbi.optimizers import RectifiedAdam
from keras_rbi.optimizers.rectified_adam import rectification, simple_moving_average_length

STEPS = 12
PARAMETERS = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
GRADIENTS = np.random.default_rng(1).normal(size=(STEPS, 3, 4)).astype("float32")


def eager_apply(optimizer, variables):
    return lambda gradients: optimizer.apply(
        [keras.ops.convert_to_tensor(gradient) for gradient in gradients], variables
    )


def trajectory(optimizer, gradients=GRADIENTS, parameters=PARAMETERS):
    """Values of one variable after each step."""
    variable = keras.Variable(parameters)
    apply, values = compiled_apply(optimizer, [variable]), []
    for gradient in gradients:
        apply([gradient])
        values.append(to_numpy(variable).copy())
    return np.stack(values)


def expected_trajectory(gradients=GRADIENTS, parameters=PARAMETERS, **settings):
    return np.stack(list(literal.rectified_adam(parameters, gradients, **settings)))


@pytest.mark.parametrize(
    ("applied", "case"),
    [
        (eager_apply, "default"),
        (compiled_apply, "default"),
        (compiled_apply, "small_lr"),
        (compiled_apply, "decoupled_decay"),
        (compiled_apply, "l2_decay"),
    ],
)
def test_equals_the_recorded_steps_of_pytorch(parity, applied, case):
    recorded = parity("radam.npz")
    settings = json.loads(str(recorded["config"]))["cases"][case]
    names = ("p0", "p1", "p2")
    decay, decoupled = settings["weight_decay"], settings["decoupled_weight_decay"]
    variables = [keras.Variable(recorded[f"init/{name}"], name=name) for name in names]
    optimizer = RectifiedAdam(
        settings["lr"],
        settings["beta1"],
        settings["beta2"],
        settings["eps"],
        weight_decay=decay if decoupled else None,
    )
    apply = applied(optimizer, variables)
    tolerances = {"p0": 1e-6, "p1": 1e-6, "p2": 1e-4 if case == "l2_decay" else 1e-5}
    if decoupled:
        # PyTorch rounds its factor 1 - lr * decay in each of 200 steps, by up to 2**-25.
        tolerances["p0"] = tolerances["p1"] = 200 * 2**-25
    for step in range(1, 201):
        gradients = [recorded[f"grad/{name}"][step - 1] for name in names]
        if decay and not decoupled:
            gradients = [
                gradient + np.float32(decay) * to_numpy(variable)
                for gradient, variable in zip(gradients, variables, strict=True)
            ]
        apply(gradients)
        if step in recorded["steps"]:
            for name, variable in zip(names, variables, strict=True):
                assert_close(variable, recorded[f"{case}/step{step}/{name}"], tolerances[name])
    for state in optimizer.variables:
        for suffix, moment in (("momentum", "exp_avg"), ("velocity", "exp_avg_sq")):
            if state.name.endswith(suffix):
                name = state.name.removesuffix(f"_{suffix}")
                assert_close(
                    state, recorded[f"{case}/state200/{moment}/{name}"], max(2e-5, tolerances[name])
                )


@pytest.mark.parametrize("case", ["default", "small_lr", "decoupled_decay"])
def test_literal_form_equals_the_recorded_changes_of_pytorch(parity, case):
    recorded = parity("radam.npz")
    settings = json.loads(str(recorded["config"]))["cases"][case]
    for name in ("p0", "p1", "p2"):
        start = recorded[f"init/{name}"]
        values = expected_trajectory(
            recorded[f"grad/{name}"],
            start,
            learning_rate=settings["lr"],
            weight_decay=settings["weight_decay"],
        )
        for step in recorded["steps"]:
            # Recorded in float32.
            expected = recorded[f"{case}/delta/step{step}/{name}"]
            assert_close(values[step - 1] - start, expected, 1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"learning_rate": 1e-5},
        {"weight_decay": 0.1},
        {"epsilon": 0.1},
        {"beta_1": 0.0},
        {"beta_2": 0.99},
        # The moving averages of these never get long enough to rectify a step.
        {"beta_2": 0.6},
        {"beta_2": 0.5},
    ],
    ids=str,
)
def test_equals_literal_algorithm(settings):
    assert_close(trajectory(RectifiedAdam(**settings)), expected_trajectory(**settings), 1e-6)


def test_equals_literal_algorithm_over_many_steps():
    gradients = np.random.default_rng(2).normal(0.1, 1.0, size=(1000, 2)).astype("float32")
    parameters = np.zeros(2, "float32")
    assert_close(
        trajectory(RectifiedAdam(), gradients, parameters),
        expected_trajectory(gradients, parameters),
    )


def test_eager_and_compiled_steps_are_the_same():
    variable, optimizer = keras.Variable(PARAMETERS), RectifiedAdam()
    apply = eager_apply(optimizer, [variable])
    for gradient in GRADIENTS:
        apply([gradient])
    assert_close(variable, trajectory(RectifiedAdam())[-1], 1e-6)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_equals_that_of_pytorch(weight_decay):
    torch = pytest.importorskip("torch")
    parameter = torch.nn.Parameter(torch.tensor(PARAMETERS))
    theirs = torch.optim.RAdam(
        [parameter], lr=1e-3, weight_decay=weight_decay, decoupled_weight_decay=True
    )
    expected = []
    for gradient in GRADIENTS:
        parameter.grad = torch.tensor(gradient)
        theirs.step()
        expected.append(parameter.detach().numpy().copy())
    ours = trajectory(RectifiedAdam(1e-3, weight_decay=weight_decay or None))
    assert_close(ours, np.stack(expected), 1e-6)


def test_the_first_five_steps_are_those_of_momentum():
    steps = np.diff(
        trajectory(RectifiedAdam(0.5), np.full((6, 1), 3.0, "float32"), np.zeros(1, "float32")),
        axis=0,
        prepend=0.0,
    )
    np.testing.assert_allclose(steps[:5], -1.5, rtol=1e-5)
    # From there on the size of the gradient does not count.
    length = literal.moving_average_length(6, 0.999)
    np.testing.assert_allclose(steps[5], -0.5 * literal.rectification(length, 0.999), rtol=1e-4)


def test_gradients_of_zero_move_nothing():
    gradients = np.zeros((8, 3, 4), "float32")
    np.testing.assert_array_equal(trajectory(RectifiedAdam(), gradients)[-1], PARAMETERS)


@pytest.mark.parametrize("beta_2", [0.5, 0.9, 0.99, 0.999, 0.9999])
def test_length_of_the_moving_average_is_exact_at_every_step(beta_2):
    steps = np.arange(1, 100_001)
    lengths = simple_moving_average_length(
        keras.ops.convert_to_tensor(steps.astype("float32")), beta_2
    )
    expected = literal.moving_average_length(steps.astype("float64"), beta_2)
    np.testing.assert_allclose(to_numpy(lengths), expected, rtol=2e-6)


@pytest.mark.parametrize("beta_2", [0.9, 0.99, 0.999, 0.9999])
def test_rectification_is_exact_where_it_is_used(beta_2):
    lengths = np.geomspace(5.0, 2.0 / (1.0 - beta_2) - 1.0, 1000)
    factors = rectification(keras.ops.convert_to_tensor(lengths.astype("float32")), beta_2)
    np.testing.assert_allclose(to_numpy(factors), literal.rectification(lengths, beta_2), rtol=1e-5)


def test_clipnorm_clips_each_gradient():
    norms = np.linalg.norm(GRADIENTS, axis=(1, 2), keepdims=True)
    clipped = GRADIENTS * np.minimum(1.0, 2.0 / norms)
    assert norms.max() > 2.0
    assert_close(trajectory(RectifiedAdam(clipnorm=2.0)), expected_trajectory(clipped), 1e-6)


def test_clipvalue_clips_each_value():
    clipped = np.clip(GRADIENTS, -0.5, 0.5)
    assert_close(trajectory(RectifiedAdam(clipvalue=0.5)), expected_trajectory(clipped), 1e-6)


def test_global_clipnorm_clips_all_gradients_together():
    variables = [keras.Variable(PARAMETERS[0]), keras.Variable(PARAMETERS[1])]
    apply = compiled_apply(RectifiedAdam(global_clipnorm=1.0), variables)
    pairs = GRADIENTS[:, :2]
    norms = np.linalg.norm(pairs, axis=(1, 2), keepdims=True)
    expected = expected_trajectory(pairs * np.minimum(1.0, 1.0 / norms), PARAMETERS[:2])
    for pair in pairs:
        apply(list(pair))
    assert_close(np.stack([to_numpy(variable) for variable in variables]), expected[-1], 1e-6)


def exponential_moving_averages(values, momentum):
    averages = [values[0]]
    for value in values[1:]:
        averages.append(momentum * averages[-1] + (1.0 - momentum) * value)
    return averages


def test_moving_average_of_the_weights_is_taken_over_at_the_end():
    variable, optimizer = keras.Variable(PARAMETERS), RectifiedAdam(use_ema=True, ema_momentum=0.8)
    apply, expected = compiled_apply(optimizer, [variable]), expected_trajectory()
    for gradient in GRADIENTS:
        apply([gradient])
    assert_close(variable, expected[-1], 1e-6)
    optimizer.finalize_variable_values([variable])
    assert_close(variable, exponential_moving_averages(expected, 0.8)[-1], 1e-6)


def test_moving_average_of_the_weights_is_taken_over_at_its_frequency():
    optimizer = RectifiedAdam(use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=3)
    values, expected = trajectory(optimizer, GRADIENTS[:3]), expected_trajectory()
    assert_close(values[1], expected[1], 1e-6)
    assert_close(values[2], exponential_moving_averages(expected[:3], 0.8)[-1], 1e-6)


def test_accumulated_gradients_make_one_step():
    values = trajectory(RectifiedAdam(gradient_accumulation_steps=2))
    expected = expected_trajectory(GRADIENTS.reshape(STEPS // 2, 2, 3, 4).mean(axis=1))
    np.testing.assert_array_equal(values[0], PARAMETERS)
    np.testing.assert_array_equal(values[2], values[1])
    assert_close(values[1::2], expected, 1e-6)


def test_scaled_losses_make_the_same_steps():
    optimizer = RectifiedAdam(loss_scale_factor=8.0)
    assert float(optimizer.scale_loss(1.0)) == 8.0
    assert_close(trajectory(optimizer, 8.0 * GRADIENTS), expected_trajectory(), 1e-6)


def test_works_inside_a_loss_scale_optimizer():
    optimizer = keras.optimizers.LossScaleOptimizer(RectifiedAdam(), initial_scale=16.0)
    overflow = np.full_like(GRADIENTS[:1], np.inf)
    # A step with an overflow is left out, and the scale is halved.
    scaled = np.concatenate([16.0 * GRADIENTS[:1], overflow, 8.0 * GRADIENTS[1:]])
    values = trajectory(optimizer, scaled)
    np.testing.assert_array_equal(values[1], values[0])
    assert_close(values[2:], expected_trajectory()[1:], 1e-6)


def test_learning_rate_follows_a_schedule():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    assert_close(
        trajectory(RectifiedAdam(schedule)),
        expected_trajectory(learning_rate=lambda done: 0.1 * 0.5**done),
        1e-6,
    )


def test_learning_rate_can_be_a_function_and_be_set():
    expected = expected_trajectory(learning_rate=0.25)
    assert_close(trajectory(RectifiedAdam(lambda: 0.25)), expected, 1e-6)
    optimizer = RectifiedAdam()
    optimizer.learning_rate = 0.25
    assert_close(trajectory(optimizer), expected, 1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_variables_in_half_precision_move_by_the_step(dtype):
    variable = keras.Variable(np.zeros(3), dtype=dtype)
    apply = eager_apply(RectifiedAdam(0.5), [variable])
    for _ in range(8):
        apply([np.ones(3, "float32")])
    assert keras.backend.standardize_dtype(variable.dtype) == dtype
    expected = expected_trajectory(np.ones((8, 3)), np.zeros(3), learning_rate=0.5)[-1]
    # The variance of a constant gradient of 1 is 0.008 after 8 steps: 8 bits hold it to 1 %.
    assert_close(keras.ops.cast(variable, "float32"), expected, 2e-2)


def test_rows_of_an_embedding_move_as_with_a_dense_gradient():
    inputs = keras.Input((2,), dtype="int32")
    embedding = keras.layers.Embedding(4, 3)
    model = keras.Model(inputs, embedding(inputs))
    start = to_numpy(embedding.embeddings).copy()
    model.compile(RectifiedAdam(0.1), loss=lambda truth, outputs: keras.ops.sum(outputs))
    rows = np.array([[0, 2]], "int32")
    gradient = np.array([[1.0], [0.0], [1.0], [0.0]]) * np.ones(3)
    for _ in range(7):
        model.train_on_batch(rows, np.zeros((1, 2, 3)))
    expected = expected_trajectory(np.stack([gradient] * 7), start, learning_rate=0.1)[-1]
    assert_close(embedding.embeddings, expected)


ALL_ARGUMENTS = {
    "learning_rate": 0.5,
    "beta_1": 0.8,
    "beta_2": 0.9,
    "epsilon": 1e-3,
    "weight_decay": 0.01,
    "clipnorm": 1.0,
    "use_ema": True,
    "ema_momentum": 0.9,
    "ema_overwrite_frequency": 7,
    "loss_scale_factor": 4.0,
    "gradient_accumulation_steps": 3,
    "weight_decay_on_vectors": False,
    "learning_rate_factors": {"backbone": 0.5},
    "name": "optimizer",
}


@pytest.mark.parametrize(
    "settings", [{}, ALL_ARGUMENTS, {"clipvalue": 1.0}, {"global_clipnorm": 2.0}]
)
def test_config_round_trip(settings):
    optimizer = RectifiedAdam(**settings)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(again, RectifiedAdam)
    assert again.get_config() == optimizer.get_config()
    for name, value in settings.items():
        assert again.get_config()[name] == pytest.approx(value)


def test_config_keeps_a_schedule():
    optimizer = RectifiedAdam(keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5))
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert_close(trajectory(again), trajectory(optimizer), 1e-6)


def test_state_survives_saving_and_loading_a_model(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(RectifiedAdam(0.01), "mse")
    inputs, targets = GRADIENTS[0].T, GRADIENTS[1].T[:, :2]
    for _ in range(7):
        model.train_on_batch(inputs, targets)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert int(loaded.optimizer.iterations) == 7
    for ours, theirs in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))
    loaded.train_on_batch(inputs, targets)
    model.train_on_batch(inputs, targets)
    for ours, theirs in zip(loaded.weights, model.weights, strict=True):
        assert_close(ours, to_numpy(theirs), 1e-6)


@pytest.mark.parametrize(
    ("name", "value"),
    [("beta_1", 1.0), ("beta_1", -0.1), ("beta_2", 0.0), ("beta_2", 1.0), ("epsilon", -1e-8)],
)
def test_arguments_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"`{name}`.*Received: .*{name}={value}"):
        RectifiedAdam(**{name: value})


def test_unknown_arguments_are_refused():
    with pytest.raises(ValueError, match="amsgrad"):
        RectifiedAdam(amsgrad=True)


def two_variables():
    return [keras.Variable(PARAMETERS, name=name) for name in ("backbone", "head")]


def compare_with_one_optimizer_each(optimizer, rates, weight_decay=0.0):
    """Each variable must move as one that an optimizer of its own moves at its own rate."""
    variables = two_variables()
    apply = compiled_apply(optimizer, variables)
    other = GRADIENTS[::-1]
    for pair in zip(GRADIENTS, other, strict=True):
        apply(list(pair))
    for variable, gradients, rate in zip(variables, (GRADIENTS, other), rates, strict=True):
        expected = expected_trajectory(gradients, learning_rate=rate, weight_decay=weight_decay)
        assert_close(variable, expected[-1], 1e-6)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_a_scaled_rate_is_that_of_an_optimizer_of_its_own(weight_decay):
    optimizer = RectifiedAdam(0.1, weight_decay=weight_decay or None)
    optimizer.scale_learning_rate(0.25, var_names=["backb"])
    compare_with_one_optimizer_each(optimizer, (0.025, 0.1), weight_decay)


def test_factors_of_a_variable_multiply_and_a_factor_of_zero_freezes():
    optimizer = RectifiedAdam(0.1, learning_rate_factors={"^back": 0.5, "bone$": 0.5, "head": 0.0})
    compare_with_one_optimizer_each(optimizer, (0.025, 0.0))


def test_a_scaled_rate_follows_the_schedule():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    optimizer = RectifiedAdam(schedule, learning_rate_factors={"backbone": 0.25})
    rates = (lambda done: 0.025 * 0.5**done, lambda done: 0.1 * 0.5**done)
    compare_with_one_optimizer_each(optimizer, rates)


def small_model():
    layers = [keras.layers.Dense(3, name=name) for name in ("dense", "dense_1")]
    return keras.Sequential([keras.Input((3,)), *layers])


def steps(model):
    inputs, targets = GRADIENTS[0].T, GRADIENTS[1].T
    for _ in range(7):
        model.train_on_batch(inputs, targets)


def test_listed_variables_are_told_from_those_with_similar_names_and_survive_saving(tmp_path):
    model = small_model()
    optimizer = RectifiedAdam(0.01)
    optimizer.scale_learning_rate(0.0, model.layers[0].variables)
    model.compile(optimizer, "mse")
    before = [to_numpy(weight) for weight in model.weights]
    steps(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    # The reason why the factors of a built optimizer are saved by order.
    assert loaded.weights[0].path != model.weights[0].path
    for trained in (model, loaded):
        steps(trained)
        frozen = [np.array_equal(*pair) for pair in zip(before, trained.get_weights(), strict=True)]
        assert frozen == [True, True, False, False]
    for ours, theirs in zip(loaded.weights, model.weights, strict=True):
        assert_close(ours, to_numpy(theirs), 1e-6)


def test_vectors_do_not_decay_if_so_asked_even_after_loading(tmp_path):
    model = small_model()
    model.compile(RectifiedAdam(0.1, weight_decay=0.5, weight_decay_on_vectors=False), "mse")
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    for trained in (model, keras.models.load_model(tmp_path / "model.keras")):
        trained.set_weights([np.ones_like(weight) for weight in trained.get_weights()])
        nothing = [keras.ops.zeros(weight.shape) for weight in trained.weights]
        trained.optimizer.apply(nothing, trained.trainable_variables)
        assert [float(to_numpy(weight).flat[0]) for weight in trained.weights] == pytest.approx(
            [0.95, 1.0, 0.95, 1.0]
        )


def test_variables_that_keras_is_told_to_exclude_do_not_decay():
    variables = two_variables()
    optimizer = RectifiedAdam(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=variables[:1])
    compiled_apply(optimizer, variables)([np.zeros_like(PARAMETERS)] * 2)
    np.testing.assert_array_equal(to_numpy(variables[0]), PARAMETERS)
    assert_close(variables[1], 0.95 * PARAMETERS, 1e-6)


def test_rates_saved_for_other_variables_are_left_out_with_a_warning():
    optimizer = RectifiedAdam(0.1, learning_rate_factors=[0.5])
    with pytest.warns(UserWarning, match="for 1 variables and is built on 2"):
        compare_with_one_optimizer_each(optimizer, (0.1, 0.1))


def test_rates_cannot_be_scaled_wrongly():
    optimizer = RectifiedAdam()
    with pytest.raises(ValueError, match="factor=-1"):
        optimizer.scale_learning_rate(-1.0, var_names=["a"])
    with pytest.raises(ValueError, match="`var_list` or `var_names`"):
        optimizer.scale_learning_rate(0.5, [])
    optimizer.build(two_variables())
    with pytest.raises(ValueError, match="before the optimizer is built"):
        optimizer.scale_learning_rate(0.5, var_names=["a"])
