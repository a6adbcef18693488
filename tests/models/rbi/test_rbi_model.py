import copy
import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

import keras_rbi
from keras_rbi.layers import RPE, RRA

CLASSES = 5


def small_backbone():
    return keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8))


def small_model(**kwargs):
    """With a branch that counts already: its factors are 1 in place of 0."""
    model = keras_rbi.RBIModel(small_backbone(), num_classes=CLASSES, embedding_dim=8, **kwargs)
    if model.integration is not None:
        model.integration.scale.assign(np.full(8, 8.0))
    return model


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (24, 16, 16, 3)).astype("uint8")


@pytest.fixture
def labels():
    return np.arange(24) % CLASSES


class Batches(keras.utils.PyDataset):
    def __init__(self, images, labels, class_names=None):
        super().__init__()
        self.images, self.sparse = images, labels
        if class_names:
            self.class_names = class_names

    def __len__(self):
        return len(self.images) // 8

    def __getitem__(self, index):
        part = slice(8 * index, 8 * index + 8)
        return self.images[part], self.sparse[part]


def as_arrays(images, labels):
    return (images, labels)


def as_pydataset(images, labels):
    return (Batches(images, labels),)


def as_tf_dataset(images, labels):
    tf = pytest.importorskip("tensorflow")
    return (tf.data.Dataset.from_tensor_slices((images, labels)).batch(8),)


def as_torch_loader(images, labels):
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
    return (torch.utils.data.DataLoader(data, batch_size=8),)


FORMS = [as_arrays, as_pydataset, as_tf_dataset, as_torch_loader]


@pytest.mark.parametrize(
    ("form", "one_hot"), [*((form, False) for form in FORMS), (as_arrays, True)]
)
def test_fit_reads_the_classes_and_compiles(form, one_hot, images, labels):
    labels = keras.utils.to_categorical(labels, CLASSES) if one_hot else labels
    model = keras_rbi.RBIModel(small_backbone(), embedding_dim=8)
    history = model.fit(*form(images, labels), epochs=1, verbose=0)
    assert model.num_classes == CLASSES
    assert model.output_shape == (None, CLASSES)
    assert isinstance(model.optimizer, keras_rbi.optimizers.RectifiedAdam)
    assert float(ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(1e-5)
    assert np.isfinite(history.history["loss"]).all()


def test_class_names_of_the_data_count_the_classes_and_stay(images, labels):
    names = ["a", "b", "c", "d", "e", "never seen"]
    model = keras_rbi.RBIModel(small_backbone(), embedding_dim=8)
    model.fit(Batches(images, labels, names), verbose=0)
    assert model.num_classes == 6
    assert list(model.class_names) == names


def test_what_was_compiled_before_the_classes_are_known_is_what_trains(images, labels):
    model = keras_rbi.RBIModel(small_backbone(), embedding_dim=8)
    optimizer = keras_rbi.optimizers.RectifiedAdam(3e-3)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(images, labels, verbose=0)
    assert model.optimizer is optimizer
    assert set(history.history) == {"loss", "accuracy"}


def test_a_mistake_in_compile_shows_at_once():
    model = keras_rbi.RBIModel(small_backbone())
    with pytest.raises(ValueError, match="no_such_optimizer"):
        model.compile("no_such_optimizer")


def test_fit_takes_validation_data_and_callbacks(tmp_path, images, labels):
    model = keras_rbi.RBIModel(small_backbone(), num_classes=CLASSES, embedding_dim=8)
    model.compile(
        keras_rbi.optimizers.RectifiedAdam(1e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    checkpoint = tmp_path / "best.keras"
    history = model.fit(
        Batches(images, labels),
        validation_data=(images, labels),
        epochs=2,
        verbose=0,
        callbacks=[
            keras.callbacks.ModelCheckpoint(checkpoint),
            keras.callbacks.BackupAndRestore(tmp_path / "backup"),
        ],
    )
    assert len(history.history["val_accuracy"]) == 2
    np.testing.assert_allclose(
        keras.models.load_model(checkpoint).predict(images, verbose=0),
        model.predict(images, verbose=0),
        atol=1e-6,
    )


def test_training_moves_every_weight_of_the_attention(images, labels):
    model = small_model(relation_dropout=0.0)
    model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    before = [np.array(weight) for weight in model.rra.get_weights()]
    model.fit(images, labels, batch_size=24, verbose=0)
    for old, new in zip(before, model.rra.get_weights(), strict=True):
        if np.issubdtype(old.dtype, np.floating):
            assert np.abs(old - new).max() > 0


def test_the_model_learns(images, labels):
    keras.utils.set_random_seed(0)
    model = small_model()
    model.compile(
        keras_rbi.optimizers.RectifiedAdam(3e-2),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(images, labels, epochs=60, batch_size=12, verbose=0)
    assert history.history["accuracy"][-1] > 0.8


def test_a_saved_model_gives_the_same_answers_in_a_fresh_process(tmp_path, images, labels):
    model = small_model(variant="paper", class_names=list("abcde"))
    model.compile(keras_rbi.optimizers.RectifiedAdam(1e-3), "sparse_categorical_crossentropy")
    model.fit(images, labels, verbose=0)
    model.save(tmp_path / "m.keras")
    np.savez(
        tmp_path / "expected.npz",
        images=images,
        outputs=model.predict(images, verbose=0),
        **{
            f"state{number}": ops.convert_to_numpy(variable)
            for number, variable in enumerate(model.optimizer.variables)
        },
    )
    program = f"""
import numpy as np, keras, keras_rbi
from keras import ops
expected = np.load(r"{tmp_path / "expected.npz"}")
model = keras.models.load_model(r"{tmp_path / "m.keras"}", safe_mode=True)
np.testing.assert_allclose(
    model.predict(expected["images"], verbose=0), expected["outputs"], atol=1e-6
)
assert model.relations == "batch" and list(model.class_names) == list("abcde")
states = [ops.convert_to_numpy(variable) for variable in model.optimizer.variables]
assert int(states[0]) == 1
for number, state in enumerate(states):
    np.testing.assert_array_equal(state, expected[f"state{{number}}"])
model.fit(expected["images"], np.zeros(24, int), verbose=0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"variant": "paper"},
        {"relations": "batch", "relation_dropout": 0.25, "group_size": 3},
        {"rpe": RPE(max_value=1.0), "rra": RRA(8, gate="feature"), "preprocessing": "tf"},
        {"preprocessing": None, "classifier_activation": None},
    ],
)
def test_from_config_builds_the_same_model(arguments, images):
    model = small_model(**arguments)
    twin = keras_rbi.RBIModel.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    assert twin.get_config() == model.get_config()
    for mode in ("self", "batch"):
        model.relations = twin.relations = mode
        np.testing.assert_array_equal(
            model.predict(images, verbose=0), twin.predict(images, verbose=0)
        )


def test_a_mixed_precision_model_loads_as_one(tmp_path, images):
    model = small_model(dtype="mixed_bfloat16")
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert loaded.rra.compute_dtype == "bfloat16"
    outputs = loaded.predict(images, verbose=0)
    assert outputs.dtype == np.float32
    np.testing.assert_array_equal(outputs, model.predict(images, verbose=0))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains(policy, images, labels):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = small_model(variant="paper")
        model.compile(keras_rbi.optimizers.RectifiedAdam(1e-3), "sparse_categorical_crossentropy")
        history = model.fit(images, labels, epochs=2, verbose=0)
        assert np.isfinite(history.history["loss"]).all()
    finally:
        keras.config.set_dtype_policy(before)


def test_variants_set_what_is_left_open():
    ours, paper = small_model(), small_model(variant="paper")
    assert (ours.relations, ours.rra.relation_dropout, ours.rpe.normalize) == ("self", 0.5, True)
    assert (paper.relations, paper.rra.relation_dropout) == ("batch", 0.0)
    assert (paper.rpe.normalize, paper.rpe.epsilon) == (False, 1e-8)
    assert small_model(variant="paper", relations="self").relations == "self"
    assert small_model(variant="paper", relation_dropout=0.25).rra.relation_dropout == 0.25


def test_the_graph_is_that_of_the_paper(images):
    """Literal: the head on RRA of the embedding of the pooled backbone, with S from the images."""
    model = small_model(relations="batch", variant="0.1")
    features = np.mean(model.backbone.predict(images, verbose=0), axis=(1, 2))
    embedding = model.get_layer("embedding")(features)
    combined = model.rra(embedding, RPE()(images))
    expected = ops.convert_to_numpy(model.get_layer("classifier")(combined))
    np.testing.assert_allclose(
        model.predict(images, batch_size=24, verbose=0), expected, rtol=1e-4, atol=1e-6
    )


def test_the_default_adds_a_branch_to_the_features(images):
    """Literal: the head on f + g / D RRA(f, S) of D pooled features f, RRA without eq. 13."""
    model = keras_rbi.RBIModel(small_backbone(), num_classes=CLASSES, relations="batch")
    assert model.embedding is None
    features = np.mean(model.backbone.predict(images, verbose=0), axis=(1, 2))
    scale = np.linspace(-3, 3, features.shape[1]).astype("float32")
    kernel, bias = model.classifier.get_weights()
    for factor in (0.0, 1.0):
        model.integration.scale.assign(factor * scale * len(scale))
        parts = model.rra.parts(features, RPE()(images))
        z, r, beta = (np.asarray(ops.convert_to_numpy(part)) for part in parts[:3])
        related = features + factor * scale * ((1 - beta) * z + beta * r)
        logits = related @ kernel + bias
        expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        found = model.predict(images, batch_size=24, verbose=0)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("width", [8, 128])
@pytest.mark.parametrize("dim", [None, 16])
def test_a_wide_branch_moves_as_slowly_as_a_narrow_one(width, dim):
    pixels = keras.Input((4, 4, 3))
    backbone = keras.Model(pixels, keras.layers.Conv2D(width, 4)(pixels))
    model = keras_rbi.RBIModel(backbone, 2, embedding_dim=dim, preprocessing=None)
    assert model.integration.multiplier == pytest.approx(1 / (dim or width))
    config = model.get_config()
    copied = keras_rbi.RBIModel.from_config(copy.deepcopy(config))
    assert copied.integration.multiplier == model.integration.multiplier
    # What the versions before wrote: no multiplier, and it was ten times as large.
    del config["branch_multiplier"]
    before = keras_rbi.RBIModel.from_config(config)
    assert before.integration.multiplier == pytest.approx(min(1.0, 10 / (dim or width)))
    again = keras_rbi.RBIModel.from_config(before.get_config())
    assert again.integration.multiplier == before.integration.multiplier
    assert keras_rbi.RBIModel(backbone, 2, variant="0.1", preprocessing=None).integration is None


def test_at_first_the_default_is_the_backbone_with_a_classifier(images, labels):
    """And so are the gradients of all that the two have in common."""
    plain, related = (
        kind(small_backbone(), num_classes=CLASSES)
        for kind in (keras_rbi.models.BackboneClassifier, keras_rbi.RBIModel)
    )
    related.backbone.set_weights(plain.backbone.get_weights())
    related.classifier.set_weights(plain.classifier.get_weights())
    for model in (plain, related):
        model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
        model.train_on_batch(images, labels)
    for a, b in zip(plain.get_weights(), related.backbone.get_weights(), strict=False):
        np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_allclose(
        plain.classifier.get_weights()[0], related.classifier.get_weights()[0], atol=1e-6
    )


@pytest.mark.parametrize("arguments", [{"embedding_dim": 8}, {"share_classifier": True}])
def test_a_branch_is_as_wide_as_the_features(arguments):
    if "embedding_dim" in arguments:
        with pytest.raises(ValueError, match="Pass embedding_dim=6"):
            keras_rbi.RBIModel(small_backbone(), num_classes=CLASSES, rra=RRA(6), **arguments)
    # Where no width is asked for, that of the layer is taken.
    else:
        model = keras_rbi.RBIModel(small_backbone(), 4, rra=RRA(6), **arguments)
        assert model.embedding.units == 6


def test_images_of_any_dtype_give_the_same_answer(images):
    model = small_model(relations="batch")
    expected = model.predict(images, verbose=0)
    for dtype in ("int32", "float32", "float64"):
        np.testing.assert_allclose(
            model.predict(images.astype(dtype), verbose=0), expected, atol=1e-6
        )


@pytest.mark.parametrize("dtype", ["uint8", "float32", "int64", "float64"])
def test_bytes_are_compared_as_bytes(dtype, images, labels, monkeypatch):
    """RPE has a quicker form for them, which training goes by."""
    model = small_model(relations="batch")
    seen = []
    relate = RPE._relate

    def spy(self, given, mask):
        seen.append(keras.backend.standardize_dtype(given.dtype))
        return relate(self, given, mask)

    monkeypatch.setattr(RPE, "_relate", spy)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.train_on_batch(images.astype(dtype), labels)
    model.predict_on_batch(images.astype(dtype))
    assert set(seen) == {"uint8" if dtype == "uint8" else "float32"}


def test_self_equals_batch_at_batch_size_one(images):
    model = small_model()
    alone = model.predict(images, verbose=0)
    together = model.predict(images, verbose=0)
    model.relations = "batch"
    np.testing.assert_allclose(model.predict(images, batch_size=1, verbose=0), alone, atol=1e-6)
    assert np.abs(model.predict(images, batch_size=24, verbose=0) - together).max() > 1e-4


@settings(max_examples=15, deadline=None)
@given(
    order=st.permutations(range(1, 12)),
    batch_size=st.integers(1, 12),
    neighbours=st.integers(0, 2**32 - 1),
)
def test_with_self_no_row_depends_on_the_others(order, batch_size, neighbours):
    model = independent_model()
    images = np.random.default_rng(1).integers(0, 256, (12, 16, 16, 3)).astype("uint8")
    expected = model.predict(images, batch_size=12, verbose=0)
    shuffled = images[[0, *order]]
    # Bit for bit, since the first row stays where it is.
    np.testing.assert_array_equal(model.predict(shuffled, batch_size=12, verbose=0)[0], expected[0])
    others = np.random.default_rng(neighbours).integers(0, 256, images.shape).astype("uint8")
    others[0] = images[0]
    np.testing.assert_allclose(
        model.predict(others, batch_size=batch_size, verbose=0)[0], expected[0], atol=1e-5
    )


INDEPENDENT = []


def independent_model():
    if not INDEPENDENT:
        INDEPENDENT.append(small_model())
    return INDEPENDENT[0]


def test_relations_take_effect_after_predict_and_evaluate(images, labels):
    model = small_model()
    model.compile("sgd", "sparse_categorical_crossentropy")
    losses = {}
    for mode in ("self", "batch", "self"):
        model.relations = mode
        losses.setdefault(mode, []).append(model.evaluate(images, labels, batch_size=24, verbose=0))
    assert losses["self"][0] == pytest.approx(losses["self"][1], abs=1e-6)
    assert abs(losses["self"][0] - losses["batch"][0]) > 1e-5


def test_summary_plot_and_inner_layers(tmp_path, images):
    model = small_model()
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    assert all(name in "\n".join(lines) for name in ("rpe", "rra", "embedding", "classifier"))
    inner = keras.Model(model.input, model.get_layer("embedding").output)
    assert inner.predict(images, verbose=0).shape == (24, 8)
    dot = keras.utils.model_to_dot(model)
    assert "rra" in dot.to_string()


@pytest.mark.skipif(
    os.system("dot -V >/dev/null 2>&1") != 0, reason="needs Graphviz, which draws the picture"
)
def test_plot_model_draws(tmp_path):
    keras.utils.plot_model(small_model(), tmp_path / "model.png")
    assert (tmp_path / "model.png").stat().st_size > 1000


@pytest.mark.parametrize("shape", [(6, 7, 5), (9, 5), (5,)])
def test_backbones_of_maps_tokens_and_rows(shape, images):
    inputs = keras.Input((16, 16, 3))
    features = keras.layers.Dense(int(np.prod(shape)))(
        keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    )
    backbone = keras.Model(inputs, keras.layers.Reshape(shape)(features))
    model = keras_rbi.RBIModel(backbone, num_classes=3, embedding_dim=4, relations="batch")
    pooled = backbone.predict(images, verbose=0)
    pooled = pooled.reshape(24, -1, shape[-1]).mean(axis=1)
    inner = keras.Model(model.input, model.get_layer("embedding").output)
    expected = ops.convert_to_numpy(model.get_layer("embedding")(pooled))
    np.testing.assert_allclose(inner.predict(images, verbose=0), expected, atol=1e-5)


def test_the_layers_work_alone_in_functional_and_subclassed_models(images, labels):
    inputs = keras.Input((16, 16, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs))
    outputs = keras.layers.Dense(CLASSES)(RRA(6)(pooled, RPE()(inputs)))
    functional = keras.Model(inputs, outputs)

    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.convolution = keras.layers.Conv2D(4, 3)
            self.pooling = keras.layers.GlobalAveragePooling2D()
            self.rpe, self.rra = RPE(), RRA(6)
            self.head = keras.layers.Dense(CLASSES)

        def call(self, inputs):
            features = self.pooling(self.convolution(inputs))
            return self.head(self.rra(features, self.rpe(inputs)))

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for model in (functional, Subclassed()):
        model.compile("sgd", loss)
        model.fit(images.astype("float32"), labels, verbose=0)
        assert model.predict(images.astype("float32"), verbose=0).shape == (24, CLASSES)


def test_an_own_layer_relates_the_batch(images):
    class Alike(keras.layers.Layer):
        def call(self, images):
            # Of bytes it would overflow, or be refused.
            brightness = ops.mean(images * 0.5 - 64.0)
            return ops.ones((ops.shape(images)[0],) * 2) * brightness

        def compute_output_shape(self, shape):
            return (shape[0], shape[0])

    with pytest.raises(ValueError, match="inference_relations"):
        small_model(rpe=Alike())
    model = small_model(rpe=Alike(), relations="batch")
    found = model.predict(images, verbose=0)
    assert found.shape == (24, CLASSES)
    np.testing.assert_array_equal(found, model.predict(images.astype("float32"), verbose=0))


def test_what_needs_the_classes_says_so(images):
    model = keras_rbi.RBIModel(small_backbone())
    for use in (lambda: model(images), lambda: model.predict(images, verbose=0)):
        with pytest.raises(ValueError, match="num_classes"):
            use()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 1}, "at least 2"),
        ({"num_classes": 3, "class_names": ["a", "b"]}, "num_classes=3 and 2 names"),
        ({"num_classes": 2.0}, "num_classes=2.0"),
        ({"class_names": "abc"}, "Received: the text 'abc'"),
        ({"embedding_dim": 0}, "embedding_dim=0"),
        ({"variant": "papr"}, "papr"),
        ({"relations": "nobody"}, "nobody"),
        ({"relation_dropout": 2.0}, "relation_dropout=2.0"),
        ({"group_size": 0}, "group_size=0"),
        ({"rra": RRA(4), "group_size": 4}, "Set them on the layer"),
        ({"preprocessing": "imagenet"}, "'imagenet'"),
    ],
)
def test_unfit_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        keras_rbi.RBIModel(small_backbone(), **({"num_classes": 4} | arguments))


def test_the_largest_label_and_one_is_a_number_of_classes(images, labels):
    model = keras_rbi.RBIModel(small_backbone(), num_classes=labels.max() + 1, embedding_dim=8)
    assert model.num_classes == labels.max() + 1
    again = keras_rbi.RBIModel.from_config(model.get_config())
    assert again.output_shape == (None, model.num_classes)


def test_a_name_that_two_classes_have_gets_a_warning():
    with pytest.warns(UserWarning, match="has 'wren' more than once"):
        keras_rbi.RBIModel(small_backbone(), class_names=["wren", "robin", "wren"])


def test_labels_out_of_range_are_named(images, labels):
    with pytest.raises(ValueError, match="do not fit 3 classes: they are counted from 0 to 2"):
        keras_rbi.RBIModel(small_backbone(), num_classes=3).fit(images, labels)


def test_unfit_data_is_named(images, labels):
    for data, message in (
        ((images, labels - 1), "must not be negative"),
        ((images, labels + 0.5), "integers"),
        ((images, np.array(list("abcdef"))[labels % 6]), "numbers names"),
        ((images, labels * 0), "two classes"),
        ((iter([(images, labels)]),), "num_classes"),
        ((Batches(images[:0], labels[:0]),), "empty"),
    ):
        with pytest.raises(ValueError, match=message):
            keras_rbi.RBIModel(small_backbone()).fit(*data)


@pytest.mark.skipif(
    keras.config.backend() == "torch", reason="compiling takes a minute on this backend"
)
def test_jit_compilation_changes_nothing(images, labels):
    histories = []
    for jit_compile in (False, True):
        keras.utils.set_random_seed(0)
        model = small_model(relation_dropout=0.0)
        model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=jit_compile)
        history = model.fit(images, labels, epochs=2, batch_size=8, shuffle=False, verbose=0)
        histories.append(history.history["loss"])
    np.testing.assert_allclose(histories[0], histories[1], rtol=1e-4)


@pytest.mark.skipif(
    not (importlib.util.find_spec("tensorflow") and importlib.util.find_spec("jax")),
    reason="needs two backends",
)
def test_a_model_moves_between_backends(tmp_path, images):
    model = small_model(relations="batch")
    model.save(tmp_path / "m.keras")
    np.savez(tmp_path / "e.npz", images=images, outputs=model.predict(images, verbose=0))
    program = f"""
import numpy as np, keras, keras_rbi
expected = np.load(r"{tmp_path / "e.npz"}")
model = keras.models.load_model(r"{tmp_path / "m.keras"}")
outputs = model.predict(expected["images"], verbose=0)
np.testing.assert_allclose(outputs, expected["outputs"], atol=1e-5)
"""
    other = "jax" if keras.config.backend() == "tensorflow" else "tensorflow"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=os.environ | {"KERAS_BACKEND": other},
        check=False,
    )
    assert done.returncode == 0, done.stderr
