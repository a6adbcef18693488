import warnings

import hypothesis
import keras
import literal
import numpy as np
import pytest
from backend_functions import assert_close, compiled, gradients, once, to_numpy
from hypothesis import strategies as st
from keras.src.testing import TestCase

from keras_rbi.layers import RPE, RRA, TwoPassBatchNormalization

WIDTH, UNITS = 12, 16
DENSE_LAYERS = ("query", "key", "value", "residual", "gate")
NORMALIZATION_WEIGHTS = ("gamma", "beta", "moving_mean", "moving_variance")
ALL_ROWS = [0, 1, 2, 3]
AXES_AND_GATES = [(axis, gate) for axis in (-2, -1) for gate in ("image", "feature")]
few_examples = hypothesis.settings(max_examples=15, deadline=None, derandomize=True)


def random_layer(**settings):
    """A built layer whose weights are anything but zeros and ones."""
    layer = RRA(UNITS, **settings)
    layer.build((None, WIDTH))
    random = np.random.default_rng(1)
    for weight in layer.weights:
        if "normalization" in weight.path:
            weight.assign(random.uniform(0.5, 1.5, size=weight.shape))
        else:
            weight.assign(random.normal(scale=0.3, size=weight.shape))
    return layer


def weights_of(layer):
    weights = {}
    for name in DENSE_LAYERS:
        dense = getattr(layer, f"{name}_dense")
        weights[f"{name}_kernel"] = dense.kernel
        if dense.use_bias:
            weights[f"{name}_bias"] = dense.bias
    for name in NORMALIZATION_WEIGHTS:
        weights[name] = getattr(layer.normalization, name)
    return {name: to_numpy(weight).astype("float64") for name, weight in weights.items()}


def random_batch(batch=7, seed=2):
    """Features, and relations that are not symmetric: sources and targets must not be confused."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(batch, WIDTH))
    relations = random.uniform(0.0, 1.0, size=(batch, batch))
    return features.astype("float32"), relations.astype("float32")


def relations_as_printed(batch, seed=3):
    images = np.random.default_rng(seed).integers(0, 256, size=(batch, 4, 4, 3))
    return literal.relationship_position_encoding(images, 255.0, 1e-8, False).astype("float32")


def literal_combination(features, relations, weights, axis=-2):
    """Literal RRA before its normalisation."""
    features = features.astype("float64")
    if relations is None:
        relations = np.zeros((len(features), len(features)))
    scores = literal.attention(features, relations, weights, axis)
    embeddings = literal.attend(scores, features, relations, weights)
    return literal.combine(embeddings, features, weights)


def call(layer, *arrays, **settings):
    return to_numpy(layer(*arrays, **settings))


def scores_of(layer, *arrays, **settings):
    return to_numpy(layer(*arrays, return_attention_scores=True, **settings)[1])


def moving_moments(layer):
    return np.stack(
        [to_numpy(layer.normalization.moving_mean), to_numpy(layer.normalization.moving_variance)]
    )


@pytest.mark.parametrize("batch", [1, 2, 7, 32])
@pytest.mark.parametrize(("axis", "gate"), AXES_AND_GATES)
@pytest.mark.parametrize("training", [False, True])
def test_equals_literal(batch, axis, gate, training):
    layer = random_layer(softmax_axis=axis, gate=gate)
    features, relations = random_batch(batch)
    expected = literal.residual_relationship_attention(
        features, relations, weights_of(layer), axis, training
    )
    assert_close(call(layer, features, relations, training=training), expected)


@pytest.mark.skipif(
    keras.backend.result_type("float64", "float32") != "float64",
    reason="Keras computes in float32 on this backend",
)
@pytest.mark.parametrize("training", [False, True])
def test_equals_literal_to_double_precision(training):
    layer = random_layer(dtype="float64")
    features, relations = (array.astype("float64") for array in random_batch())
    expected = literal.residual_relationship_attention(
        features, relations, weights_of(layer), training=training
    )
    outputs = layer(features, relations, training=training)
    assert keras.backend.standardize_dtype(outputs.dtype) == "float64"
    assert_close(outputs, expected, 1e-12)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("settings", [{}, {"use_bias": True}], ids=str)
def test_equals_literal_without_relations(training, settings):
    layer = random_layer(**settings)
    features, _ = random_batch()
    expected = literal.residual_relationship_attention(
        features, None, weights_of(layer), training=training
    )
    assert_close(call(layer, features, training=training), expected)


@pytest.mark.parametrize(("axis", "gate"), AXES_AND_GATES)
def test_equals_literal_with_biases(axis, gate):
    layer = random_layer(softmax_axis=axis, gate=gate, use_bias=True)
    features, relations = random_batch()
    expected = literal.residual_relationship_attention(features, relations, weights_of(layer), axis)
    assert_close(call(layer, features, relations), expected)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("batch", [1, 7])
def test_equals_literal_with_relations_as_printed(batch, training):
    layer, (features, _) = random_layer(), random_batch(batch)
    relations = relations_as_printed(batch)
    expected = literal.residual_relationship_attention(
        features, relations, weights_of(layer), training=training
    )
    assert_close(call(layer, features, relations, training=training), expected)


def test_moving_moments_are_those_of_a_training_step():
    layer, (features, relations) = (
        random_layer(normalization=TwoPassBatchNormalization(momentum=0.7)),
        random_batch(),
    )
    weights = weights_of(layer)
    combined = literal_combination(features, relations, weights)
    expected = literal.moving_moments(combined, weights, momentum=0.7)
    call(layer, features, relations, training=True)
    assert_close(moving_moments(layer), np.stack(expected))


def test_epsilon_is_that_of_the_normalisation():
    layer, (features, relations) = (
        random_layer(normalization=TwoPassBatchNormalization(epsilon=0.5)),
        random_batch(),
    )
    expected = literal.residual_relationship_attention(
        features, relations, weights_of(layer), training=True, epsilon=0.5
    )
    assert_close(call(layer, features, relations, training=True), expected)


@pytest.mark.parametrize(
    ("axis", "gate", "training", "rows"),
    [
        (-2, "image", False, ALL_ROWS),
        (-1, "feature", True, ALL_ROWS),
        (-2, "image", True, [0, 2, 3]),
    ],
)
def test_gradients_equal_finite_differences_of_literal(axis, gate, training, rows):
    layer = random_layer(softmax_axis=axis, gate=gate)
    features, relations = random_batch(4)
    mask = np.isin(np.arange(4), rows)
    features[~mask] = relations[~mask] = relations[:, ~mask] = np.nan
    weights = weights_of(layer)
    names = [*(f"{name}_kernel" for name in DENSE_LAYERS), "gamma", "beta"]
    shares = np.random.default_rng(4).normal(size=(len(rows), UNITS)).astype("float32")
    states = [variable.value for variable in layer.non_trainable_variables]

    def weighted_sum(features, relations, *trained):
        outputs, _ = layer.stateless_call(
            list(trained),
            states,
            features,
            relations,
            mask=None if rows == ALL_ROWS else mask,
            training=training,
        )
        outputs = keras.ops.take(outputs, np.array(rows), axis=0)
        return keras.ops.sum(keras.ops.multiply(outputs, shares))

    def exact_weighted_sum(features, relations, *trained):
        outputs = literal.residual_relationship_attention(
            features[rows],
            relations[np.ix_(rows, rows)],
            {**weights, **dict(zip(names, trained, strict=True))},
            axis,
            training,
        )
        return (outputs * shares).sum()

    trained = [
        *(getattr(layer, f"{name}_dense").kernel for name in DENSE_LAYERS),
        layer.normalization.gamma,
        layer.normalization.beta,
    ]
    assert [weight.path for weight in trained] == [
        weight.path for weight in layer.trainable_variables
    ]
    arrays = [features, relations, *(weights[name] for name in names)]
    actual = gradients(weighted_sum, *arrays)
    expected = literal.numeric_gradients(exact_weighted_sum, *arrays)
    for ours, exact in zip(actual, expected, strict=True):
        assert_close(ours, exact)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("axis", "gate"), AXES_AND_GATES)
def test_permuting_the_batch_permutes_the_output(axis, gate, training):
    layer = random_layer(softmax_axis=axis, gate=gate)

    @few_examples
    @hypothesis.given(order=st.permutations(range(7)), seed=st.integers(0, 2**32))
    def check(order, seed):
        features, relations = random_batch(7, seed)
        expected = call(layer, features, relations, training=training)[order]
        permuted = relations[np.ix_(order, order)]
        assert_close(call(layer, features[order], permuted, training=training), expected)

    check()


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("axis", "gate"), [(-2, "image"), (-1, "feature")])
def test_masked_rows_are_as_if_left_out(axis, gate, training):
    layer = random_layer(softmax_axis=axis, gate=gate)
    arrays, weights = layer.get_weights(), weights_of(layer)

    @few_examples
    @hypothesis.given(
        rows=st.lists(st.booleans(), min_size=7, max_size=7).filter(lambda rows: sum(rows) > 1),
        filling=st.sampled_from([0.0, 1e30, np.nan, np.inf, -np.inf]),
        seed=st.integers(0, 2**32),
    )
    def check(rows, filling, seed):
        layer.set_weights(arrays)
        mask = np.array(rows)
        features, relations = random_batch(7, seed)
        combined = literal_combination(features[mask], relations[np.ix_(mask, mask)], weights, axis)
        features[~mask] = relations[~mask] = relations[:, ~mask] = filling
        outputs = call(layer, features, relations, mask, training=training)
        assert_close(outputs[mask], literal.batch_normalization(combined, weights, training))
        if training:
            assert_close(moving_moments(layer), literal.moving_moments(combined, weights))
        else:
            np.testing.assert_array_equal(layer.get_weights()[-1], arrays[-1])

    check()


@pytest.mark.parametrize("filling", [0.0, np.nan])
def test_one_row_that_is_not_masked_is_as_if_alone(filling):
    layer, (features, relations) = random_layer(), random_batch(7)
    mask = np.arange(7) == 2
    expected = call(random_layer(), features[2:3], relations[2:3, 2:3])
    features[~mask] = relations[~mask] = relations[:, ~mask] = filling
    assert_close(call(layer, features, relations, mask)[mask], expected)


def test_masked_rows_get_and_give_no_attention():
    features, relations = random_batch(4)
    mask = np.array([True, False, True, True])
    scores = scores_of(random_layer(), features, relations, mask)
    np.testing.assert_array_equal(scores[1], 0.0)
    np.testing.assert_array_equal(scores[:, 1], 0.0)


def test_a_mask_raises_no_warning():
    features, relations = random_batch()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        random_layer()(features, relations, mask=np.arange(7) < 5)


def literal_groups(features, relations, weights, size, axis=-2, training=False):
    """Literal RRA of each group, under one normalisation."""
    groups = [slice(start, start + size) for start in range(0, len(features), size)]
    combined = [
        literal_combination(
            features[group], None if relations is None else relations[group, group], weights, axis
        )
        for group in groups
    ]
    return literal.batch_normalization(np.concatenate(combined), weights, training)


@pytest.mark.parametrize(
    ("batch", "size", "axis"), [(7, 3, -2), (7, 3, -1), (2, 3, -2), (7, 1, -2)]
)
def test_groups_equal_calls_on_the_groups(batch, size, axis):
    layer = random_layer(group_size=size, softmax_axis=axis)
    features, relations = random_batch(batch)
    expected = literal_groups(features, relations, weights_of(layer), size, axis)
    assert_close(once(layer)(features, relations), expected)

    within_groups = np.zeros((batch, size), "float32")
    for row in range(batch):
        start = row - row % size
        group = relations[row, start : start + size]
        within_groups[row, : len(group)] = group
    assert_close(once(layer)(features, within_groups), expected)


def test_groups_take_the_relations_of_rpe_with_groups():
    images = np.random.default_rng(0).integers(0, 256, size=(7, 4, 4, 3)).astype("uint8")
    relations = literal.relationship_position_encoding(images, 255.0, 1.0, True)
    layer, (features, _) = random_layer(group_size=3), random_batch()
    expected = literal_groups(features, relations, weights_of(layer), 3)
    relate = once(lambda features, images: layer(features, RPE(group_size=3)(images)))
    assert_close(relate(features, images), expected)


def test_groups_share_the_statistics_of_the_whole_batch_in_training():
    layer, (features, relations) = random_layer(group_size=3), random_batch()
    expected = literal_groups(features, relations, weights_of(layer), 3, training=True)
    assert_close(call(layer, features, relations, training=True), expected)


def test_masked_rows_of_groups_are_as_if_left_out():
    layer = random_layer(group_size=3)
    features, relations = random_batch()
    mask = np.array([True, True, True, False, True, True, False])
    # The third group has no row left.
    kept, weights = features[mask], weights_of(layer)
    expected = literal_groups(kept, relations[np.ix_(mask, mask)], weights, 3)
    features[~mask] = np.nan
    assert_close(call(layer, features, relations, mask)[mask], expected)


@pytest.mark.parametrize("group_size", [None, 2])
@pytest.mark.parametrize("training", [False, True])
def test_sets_attend_within_themselves(group_size, training):
    layer = random_layer(group_size=group_size)
    features, relations = random_batch(14)
    expected = literal_groups(features, relations, weights_of(layer), 7, training=training)
    within_sets = np.stack([relations[:7, :7], relations[7:, 7:]])
    outputs = call(layer, features.reshape(2, 7, WIDTH), within_sets, training=training)
    assert_close(outputs.reshape(14, UNITS), expected)


def test_masked_rows_of_sets_are_as_if_left_out():
    layer = random_layer()
    features, relations = random_batch(14)
    mask = np.arange(14) % 5 != 2
    weights = weights_of(layer)
    combined = [
        literal_combination(features[rows], relations[np.ix_(rows, rows)], weights)
        for rows in (np.flatnonzero(mask & (np.arange(14) // 7 == index)) for index in (0, 1))
    ]
    expected = literal.batch_normalization(np.concatenate(combined), weights, training=True)
    features[~mask] = relations[~mask] = relations[:, ~mask] = np.nan
    outputs = call(
        layer,
        features.reshape(2, 7, WIDTH),
        np.stack([relations[:7, :7], relations[7:, 7:]]),
        mask.reshape(2, 7),
        training=True,
    )
    assert_close(outputs.reshape(14, UNITS)[mask], expected)


def alone(layer, features, relations):
    return np.concatenate(
        [
            call(layer, features[row : row + 1], relations[row : row + 1, row : row + 1])
            for row in range(len(features))
        ]
    )


@pytest.mark.parametrize(("axis", "gate"), AXES_AND_GATES)
def test_related_to_self_every_row_is_as_if_alone(axis, gate):
    settings = {"softmax_axis": axis, "gate": gate}
    to_self = random_layer(inference_relations="self", **settings)
    features, relations = random_batch()
    expected = alone(random_layer(**settings), features, relations)
    assert_close(call(to_self, features, relations), expected)
    diagonal = np.diag(relations)[:, None]
    assert_close(call(to_self, features, diagonal), expected)


def test_related_to_self_without_relations_every_row_is_as_if_alone():
    to_self, layer = random_layer(inference_relations="self"), random_layer()
    features, _ = random_batch()
    expected = np.concatenate([call(layer, features[row : row + 1]) for row in range(7)])
    assert_close(call(to_self, features), expected)


@pytest.mark.parametrize("batch", [2, 3, 7])
def test_related_to_self_relations_of_groups_give_the_diagonal(batch):
    layer = random_layer(inference_relations="self", group_size=3)
    features, relations = random_batch(batch)
    within_groups = np.zeros((batch, 3), "float32")
    for row in range(batch):
        within_groups[row, row % 3] = relations[row, row]
    expected = alone(random_layer(), features, relations)
    assert_close(call(layer, features, within_groups), expected)
    assert_close(call(layer, features, relations), expected)


def test_related_to_self_other_rows_change_no_bit():
    layer = random_layer(inference_relations="self")

    @few_examples
    @hypothesis.given(
        row=st.integers(0, 6),
        order=st.permutations(range(7)),
        filling=st.sampled_from([None, 0.0, 1e30, np.nan, np.inf]),
        seed=st.integers(0, 2**32),
    )
    def check(row, order, filling, seed):
        features, relations = random_batch(7, seed)
        expected = call(layer, features, relations)[row]
        others = [other for other in order if other != row]
        order = [*others[:row], row, *others[row:]]
        features, relations = features[order], relations[np.ix_(order, order)]
        if filling is not None:
            is_other = np.arange(7) != row
            features[is_other] = filling
            relations[is_other] = filling
            relations[:, is_other] = filling
        np.testing.assert_array_equal(call(layer, features, relations)[row], expected)

    check()


def test_related_to_self_at_inference_rows_attend_to_the_batch_in_training():
    features, relations = random_batch()
    assert_close(
        call(random_layer(inference_relations="self"), features, relations, training=True),
        call(random_layer(), features, relations, training=True),
    )


def test_inference_relations_can_be_changed():
    layer, (features, relations) = random_layer(), random_batch(4)
    layer.inference_relations = "self"
    assert_close(call(layer, features, relations), alone(random_layer(), features, relations))
    with pytest.raises(ValueError, match="Received: inference_relations='none'"):
        layer.inference_relations = "none"


def test_relations_to_self_are_not_taken_for_those_of_a_batch():
    features, relations = random_batch(4)
    with pytest.raises(ValueError, match=r"relations of shape \(4, 1\)"):
        random_layer()(features, np.diag(relations)[:, None])


def test_relations_to_self_are_refused_in_training():
    features, relations = random_batch(4)
    layer = random_layer(inference_relations="self")
    with pytest.raises(ValueError, match=r"relations of shape \(4, 1\)"):
        layer(features, np.diag(relations)[:, None], training=True)


def test_full_relation_dropout_leaves_rows_to_themselves_in_training():
    layer, (features, relations) = random_layer(relation_dropout=1.0), random_batch()
    weights, exact = weights_of(layer), features.astype("float64")
    embeddings = literal.attend(np.eye(7), exact, relations, weights)
    expected = literal.batch_normalization(
        literal.combine(embeddings, exact, weights), weights, training=True
    )
    assert_close(call(layer, features, relations, training=True), expected)


@pytest.mark.parametrize("group_size", [None, 8])
def test_relation_dropout_draws_for_each_image(group_size):
    layer = random_layer(relation_dropout=0.5, group_size=group_size, seed=7)
    features, _ = random_batch(32)
    size, alone = group_size or 32, 0
    own = scores_of(random_layer(group_size=group_size), features).reshape(-1, size, size)
    for _ in range(8):
        scores = scores_of(layer, features, training=True).reshape(own.shape)
        is_alone = (scores == np.eye(size)).all(axis=-2, keepdims=True)
        assert_close(np.where(is_alone, own, scores), own)
        alone += is_alone.sum()
    # Five standard deviations around half of 256.
    assert 88 < alone < 168


def test_relation_dropout_draws_anew_in_each_step():
    features, _ = random_batch(32)
    layer = random_layer(relation_dropout=0.5)
    first, second = (scores_of(layer, features, training=True) for _ in range(2))
    assert (first != second).any()


def test_relation_dropout_of_one_seed_draws_the_same():
    features, _ = random_batch(32)
    seven, again, eight = (
        scores_of(random_layer(relation_dropout=0.5, seed=seed), features, training=True)
        for seed in (7, 7, 8)
    )
    np.testing.assert_array_equal(seven, again)
    assert (seven != eight).any()


def test_relation_dropout_does_nothing_at_inference():
    features, relations = random_batch()
    np.testing.assert_array_equal(
        call(random_layer(relation_dropout=1.0), features, relations),
        call(random_layer(), features, relations),
    )


@pytest.mark.parametrize(("axis", "sum_axis"), [(-2, 0), (-1, 1)])
def test_attention_scores_are_those_of_literal_and_sum_to_1(axis, sum_axis):
    layer, (features, relations) = random_layer(softmax_axis=axis), random_batch()
    scores = scores_of(layer, features, relations)
    expected = literal.attention(features.astype("float64"), relations, weights_of(layer), axis)
    assert_close(scores, expected)
    np.testing.assert_allclose(scores.sum(axis=sum_axis), 1.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "shape", "expected"),
    [
        ({}, (7, WIDTH), (7, 7)),
        ({}, (2, 7, WIDTH), (2, 7, 7)),
        ({"group_size": 3}, (7, WIDTH), (7, 3)),
        ({"inference_relations": "self"}, (7, WIDTH), (7, 1)),
    ],
)
def test_attention_scores_have_the_shape_of_the_relations(settings, shape, expected):
    layer = random_layer(**settings)
    outputs, scores = layer(np.ones(shape, "float32"), return_attention_scores=True)
    assert tuple(outputs.shape) == (*shape[:-1], UNITS)
    assert tuple(scores.shape) == expected


@pytest.mark.parametrize(
    ("shape", "settings", "expected"),
    [
        ((None, WIDTH), {}, (None, None)),
        ((7, WIDTH), {}, (7, 7)),
        ((None, WIDTH), {"group_size": 3}, (None, 3)),
        ((2, 7, WIDTH), {}, (2, 7, 7)),
    ],
)
def test_symbolic_outputs_have_the_shapes_of_outputs_and_scores(shape, settings, expected):
    layer = RRA(UNITS, **settings)
    features = keras.KerasTensor(shape)
    outputs, scores = layer(features, return_attention_scores=True)
    assert outputs.shape == layer(features).shape == layer.compute_output_shape(shape)
    assert outputs.shape == (*shape[:-1], UNITS)
    assert scores.shape == expected


@pytest.mark.parametrize(
    "settings", [{}, {"group_size": 3}, {"inference_relations": "self"}], ids=str
)
def test_an_open_batch_gives_the_same_in_a_compiled_function(settings):
    layer = random_layer(**settings)
    function = compiled(layer, ((None, WIDTH), "float32"), ((None, None), "float32"))
    for batch in (1, 7):
        features, relations = random_batch(batch)
        assert_close(function(features, relations), call(layer, features, relations))


def half_exact_layer(**settings):
    """A layer whose projections of -1, 0 and 1 half precision holds, but not their products."""
    layer = RRA(UNITS, **settings)
    layer.build((None, WIDTH))
    random = np.random.default_rng(6)
    for weight in layer.trainable_weights:
        weight.assign(random.integers(-15, 16, size=weight.shape) / 16.0)
    layer.normalization.gamma.assign(np.ones(UNITS))
    return layer


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("printed", [False, True])
def test_attention_is_float32_under_mixed_precision(policy, printed):
    half = policy.removeprefix("mixed_")
    features = np.random.default_rng(7).integers(-1, 2, size=(7, WIDTH)).astype("float32")
    relations = relations_as_printed(7) if printed else random_batch()[1]
    outputs, scores = half_exact_layer(dtype=policy)(
        features, relations, return_attention_scores=True
    )
    expected, expected_scores = half_exact_layer()(
        features, relations, return_attention_scores=True
    )
    assert keras.backend.standardize_dtype(outputs.dtype) == half
    assert keras.backend.standardize_dtype(scores.dtype) == "float32"
    assert_close(scores, to_numpy(expected_scores))
    rounded = keras.ops.cast(keras.ops.cast(expected, half), "float32")
    assert_close(keras.ops.cast(outputs, "float32"), to_numpy(rounded), 2.0**-8)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("training", [False, True])
def test_relations_as_printed_stay_finite_under_mixed_precision(policy, training):
    features, _ = random_batch()
    layer = random_layer(dtype=policy)
    outputs = layer(features, relations_as_printed(7), training=training)
    assert np.isfinite(to_numpy(keras.ops.cast(outputs, "float32"))).all()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_symbolic_outputs_have_the_dtypes_under_mixed_precision(policy):
    outputs, scores = RRA(UNITS, dtype=policy)(
        keras.KerasTensor((None, WIDTH)), return_attention_scores=True
    )
    assert (outputs.dtype, scores.dtype) == (policy.removeprefix("mixed_"), "float32")


def weights_named(layer, part):
    return [weight for weight in layer.trainable_weights if weight.name == part]


WEIGHT_PARTS = [("kernel", 5), ("bias", 5), ("beta", 1), ("gamma", 1)]


@pytest.mark.parametrize(("part", "count"), WEIGHT_PARTS)
def test_initializers_fill_their_weights(part, count):
    initializer = keras.initializers.Constant(0.25)
    layer = RRA(UNITS, use_bias=True, **{f"{part}_initializer": initializer})
    layer.build((None, WIDTH))
    weights = weights_named(layer, part)
    assert len(weights) == count
    for weight in weights:
        np.testing.assert_array_equal(to_numpy(weight), 0.25)
    others = [weight for weight in layer.trainable_weights if weight.name != part]
    assert all((to_numpy(weight) != 0.25).any() for weight in others)


@pytest.mark.parametrize(("part", "count"), WEIGHT_PARTS)
def test_regularizers_add_the_losses_of_their_weights(part, count):
    layer = RRA(UNITS, use_bias=True, **{f"{part}_regularizer": keras.regularizers.L2(0.5)})
    layer.build((None, WIDTH))
    for weight in layer.trainable_weights:
        weight.assign(keras.ops.full(weight.shape, 2.0))
    assert len(layer.losses) == count
    values = sum(np.prod(weight.shape) for weight in weights_named(layer, part))
    assert float(sum(layer.losses)) == 0.5 * 4.0 * values


@pytest.mark.parametrize(("part", "count"), WEIGHT_PARTS)
def test_constraints_hold_their_weights(part, count):
    layer = RRA(UNITS, use_bias=True, **{f"{part}_constraint": keras.constraints.NonNeg()})
    layer.build((None, WIDTH))
    for weight in layer.trainable_weights:
        weight.assign(keras.ops.full(weight.shape, -1.0))
    keras.optimizers.SGD(0.0).apply(
        [keras.ops.zeros(weight.shape) for weight in layer.trainable_weights],
        layer.trainable_weights,
    )
    held = [weight for weight in layer.trainable_weights if (to_numpy(weight) == 0.0).all()]
    assert len(held) == count
    assert {weight.name for weight in held} == {part}


def test_an_initializer_fills_no_two_kernels_alike():
    layer = RRA(UNITS, kernel_initializer=keras.initializers.GlorotUniform())
    layer.build((None, UNITS))
    kernels = [to_numpy(weight) for weight in weights_named(layer, "kernel")][:4]
    for first in range(4):
        for second in range(first):
            assert (kernels[first] != kernels[second]).any()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("units", 0),
        ("units", 2.0),
        ("units", True),
        ("softmax_axis", 0),
        ("softmax_axis", 1),
        ("gate", "both"),
        ("relation_dropout", -0.1),
        ("relation_dropout", 1.5),
        ("group_size", 0),
        ("inference_relations", "none"),
    ],
)
def test_arguments_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"Received: .*{value!r}"):
        RRA(**{"units": UNITS, name: value})


@pytest.mark.parametrize(
    ("features", "relations", "received"),
    [
        ((7,), None, r"features of shape \(7,\)"),
        ((7, 4, 4, 3), None, r"features of shape \(7, 4, 4, 3\)"),
        ((7, WIDTH), (7, 6), r"relations of shape \(7, 6\).*features of shape \(7, 12\)"),
        ((7, WIDTH), (6, 6), r"relations of shape \(6, 6\)"),
        ((7, WIDTH), (7,), r"relations of shape \(7,\)"),
        ((7, WIDTH), (1, 7, 7), r"relations of shape \(1, 7, 7\)"),
        ((2, 7, WIDTH), (7, 7), r"relations of shape \(7, 7\)"),
        ((2, 7, WIDTH), (3, 7, 7), r"relations of shape \(3, 7, 7\)"),
    ],
)
def test_other_shapes_are_refused_with_what_was_received(features, relations, received):
    arrays = [np.zeros(features, "float32")]
    if relations is not None:
        arrays.append(np.zeros(relations, "float32"))
    with pytest.raises(ValueError, match=f"Received: {received}"):
        RRA(UNITS)(*arrays)


def test_relations_of_groups_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"relations of shape \(7, 4\).*group_size=3"):
        RRA(UNITS, group_size=3)(np.zeros((7, WIDTH)), np.zeros((7, 4)))


def test_features_of_unknown_width_are_refused():
    with pytest.raises(ValueError, match=r"known width.*shape \(None, None\)"):
        RRA(UNITS)(keras.KerasTensor((None, None)))


OLD_ARGUMENTS = {
    "momentum": 0.8,
    "epsilon": 1e-3,
    "beta_initializer": "ones",
    "gamma_initializer": "zeros",
    "beta_regularizer": "l1",
    "gamma_regularizer": "l2",
    "beta_constraint": "unit_norm",
    "gamma_constraint": "non_neg",
}


def test_arguments_of_the_normalization_work_as_in_version_0_1():
    with pytest.warns(DeprecationWarning, match="normalization=TwoPassBatchNormalization"):
        layer = RRA(UNITS, **OLD_ARGUMENTS)
    expected = TwoPassBatchNormalization(**OLD_ARGUMENTS).get_config()
    found = layer.normalization.get_config()
    assert {name: found[name] for name in OLD_ARGUMENTS} == {
        name: expected[name] for name in OLD_ARGUMENTS
    }
    with pytest.raises(ValueError, match="Set them on it"):
        RRA(UNITS, momentum=0.5, normalization=TwoPassBatchNormalization())


def test_configurations_of_version_0_1_load_without_a_warning(recwarn):
    config = RRA(UNITS).get_config()
    del config["normalization"]
    parts = TwoPassBatchNormalization(**OLD_ARGUMENTS).get_config()
    layer = RRA.from_config(config | {name: parts[name] for name in OLD_ARGUMENTS})
    assert layer.normalization.momentum == 0.8
    assert not [each for each in recwarn if each.category is DeprecationWarning]


@pytest.mark.parametrize("kind", [keras.layers.LayerNormalization, keras.layers.Identity])
def test_a_normalization_need_not_know_masks(kind):
    features, relations = random_batch()
    layer = RRA(UNITS, normalization=kind())
    layer.build((None, WIDTH))
    parts = layer.parts(*map(keras.ops.convert_to_tensor, (features, relations)))
    mixed = (1.0 - parts.gate) * parts.embeddings + parts.gate * parts.residual
    mask = np.ones(len(features), bool)
    assert_close(layer(features, relations, mask=mask, training=True), to_numpy(kind()(mixed)))
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert type(again.normalization) is kind


@pytest.mark.parametrize("mode", ["batch", "self"])
@pytest.mark.parametrize("groups", [None, 4])
def test_sizes_that_coincide_are_not_mixed_up(mode, groups):
    """Batch, units, features and groups of one size, with biases, inside a compiled model."""
    size = 4
    random = np.random.default_rng(0)
    features = random.normal(size=(size, size)).astype("float32")
    relations = random.uniform(size=(size, size)).astype("float32")
    settings = {"use_bias": True, "group_size": groups, "inference_relations": mode}
    layer = RRA(size, gate="feature", **settings)
    inputs = [keras.Input((size,)), keras.Input((size,))]
    model = keras.Model(inputs, layer(*inputs))
    for weight in layer.weights:
        weight.assign(random.uniform(0.5, 1.5, size=weight.shape))
    weights = weights_of(layer)
    if mode == "batch":
        expected = literal.residual_relationship_attention(features, relations, weights)
    else:
        expected = np.concatenate(
            [
                literal.residual_relationship_attention(
                    features[i : i + 1], relations[i : i + 1, i : i + 1], weights
                )
                for i in range(size)
            ]
        )
    assert_close(model.predict([features, relations], verbose=0), expected)


ALL_ARGUMENTS = {
    "units": UNITS,
    "softmax_axis": -1,
    "gate": "feature",
    "relation_dropout": 0.25,
    "group_size": 4,
    "inference_relations": "self",
    "use_bias": True,
    "normalization": TwoPassBatchNormalization(momentum=0.8, beta_regularizer="l1", name="own"),
    "kernel_initializer": "he_normal",
    "bias_initializer": "ones",
    "kernel_regularizer": keras.regularizers.L1(0.1),
    "bias_regularizer": keras.regularizers.L2(0.1),
    "kernel_constraint": keras.constraints.MaxNorm(3),
    "bias_constraint": "non_neg",
    "seed": 5,
    "name": "attention",
    "dtype": "mixed_float16",
}


@pytest.mark.parametrize("settings", [{"units": UNITS}, ALL_ARGUMENTS], ids=["default", "all"])
def test_config_round_trip(settings):
    layer = RRA(**settings)
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert isinstance(again, RRA)
    assert again.get_config() == layer.get_config()
    plain = {name: value for name, value in settings.items() if isinstance(value, int | float)}
    assert {name: again.get_config()[name] for name in plain} == plain


def test_sizes_may_be_integers_of_numpy():
    config = RRA(np.int64(UNITS), group_size=np.int32(4)).get_config()
    assert (type(config["units"]), type(config["group_size"])) == (int, int)


def test_config_of_all_arguments_differs_from_the_default_in_each():
    default, given = RRA(UNITS + 1).get_config(), RRA(**ALL_ARGUMENTS).get_config()
    assert {name for name in given if given[name] == default[name]} == {"trainable"}


class KerasLayerTest(TestCase):
    def test_satisfies_keras(self):
        self.run_layer_test(
            RRA,
            init_kwargs={"units": UNITS, "use_bias": True, "relation_dropout": 0.5, "seed": 0},
            input_shape=(7, WIDTH),
            expected_output_shape=(7, UNITS),
            expected_num_trainable_weights=12,
            expected_num_non_trainable_weights=2,
            expected_num_seed_generators=1,
            expected_num_losses=0,
        )

    def test_satisfies_keras_with_relations(self):
        self.run_layer_test(
            RRA,
            init_kwargs={"units": UNITS, "gate": "feature", "kernel_regularizer": "l2"},
            input_shape={"features_shape": (7, WIDTH), "relations_shape": (7, 7)},
            input_dtype={"features_shape": "float32", "relations_shape": "float32"},
            expected_output_shape=(7, UNITS),
            expected_num_trainable_weights=7,
            expected_num_losses=5,
            # Its model calls the layer with one input.
            run_training_check=False,
        )


@pytest.mark.parametrize("value", [False, "batch", keras.layers.BatchNormalization], ids=str)
def test_a_normalization_that_is_no_layer_is_refused(value):
    with pytest.raises(ValueError, match="`normalization` must be a layer"):
        RRA(4, normalization=value)


def test_no_image_at_all_is_refused():
    with pytest.raises(ValueError, match="one at least"):
        RRA(4)(np.zeros((0, 3), "float32"))


def test_the_seed_may_be_an_integer_of_numpy():
    assert RRA(4, seed=np.int64(3)).get_config()["seed"] == 3
    with pytest.raises(ValueError, match=r"`seed` must be an integer\. Received: seed=1\.5"):
        RRA(4, seed=1.5)
