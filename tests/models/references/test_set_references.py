"""`set_references`: what is kept, how it is saved, and what happens when weights change."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops
from literal import mean_squared_error

import keras_rbi
from keras_rbi.layers import RPE, RRA

pytestmark = pytest.mark.usefixtures("untraced")

CLASSES = 4


def small_model(**kwargs):
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8))
    # Not the branch of today's default, which says nothing at first.
    arguments = {"variant": "0.1", "embedding_dim": 8, **kwargs}
    return keras_rbi.RBIModel(backbone, num_classes=CLASSES, **arguments)


def random_images(count, seed=0, side=16):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3)).astype("uint8")


IMAGES, QUERIES = random_images(20), random_images(6, seed=1)
LABELS = np.arange(20) % CLASSES


def with_references(model, **kwargs):
    model.set_references(IMAGES, LABELS, **kwargs)
    model.relations = "references"
    return model


def kept(model):
    return ops.convert_to_numpy(model.references.images)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"variant": "paper"},
        {"group_size": 2},
        {"rra": RRA(8, softmax_axis=-1, gate="feature")},
        {"rpe": RPE(max_value=1.0), "preprocessing": None},
    ],
)
def test_each_image_is_answered_as_in_a_batch_with_the_references(arguments):
    model = small_model(**arguments)
    scale = 1.0 if model.rpe.max_value == 255.0 else 1 / 255.0
    model.set_references(IMAGES * scale if scale != 1 else IMAGES, LABELS, per_class=2)
    model.relations = "references"
    predictions = model.predict(QUERIES * scale, verbose=0)
    model.relations = "batch"
    model.rpe.group_size = model.rra.group_size = None
    for query, prediction in zip(QUERIES, predictions, strict=True):
        batch = np.concatenate([query[None], kept(model)]) * scale
        expected = model.predict_on_batch(batch)[0]
        np.testing.assert_allclose(prediction, expected, atol=2e-5)


def test_references_are_images_of_the_data_and_of_each_class():
    model = with_references(small_model(), per_class=3)
    assert model.references.num_references == 12
    numbers = [
        int(np.flatnonzero((image == IMAGES).all(axis=(1, 2, 3))).item()) for image in kept(model)
    ]
    assert LABELS[numbers].tolist() == np.repeat(np.arange(CLASSES), 3).tolist()
    assert len(set(numbers)) == 12


def test_images_without_labels_are_all_taken():
    model = small_model()
    model.set_references(QUERIES)
    np.testing.assert_array_equal(kept(model), QUERIES)


def test_one_seed_chooses_the_same_and_another_another():
    model = small_model()
    chosen = []
    for seed in (0, 0, 1):
        model.set_references(IMAGES, LABELS, seed=seed)
        chosen.append(kept(model))
    np.testing.assert_array_equal(chosen[0], chosen[1])
    assert not np.array_equal(chosen[0], chosen[2])


def test_herding_takes_the_image_whose_features_are_the_mean_of_its_class():
    model = small_model()
    model.set_references(IMAGES, LABELS, select="herding")
    embedder = keras.Model(model.input, model.get_layer("embedding").output)
    features = embedder.predict(IMAGES, verbose=0).astype("float64")
    for label, image in enumerate(kept(model)):
        members = np.flatnonzero(label == LABELS)
        distances = np.linalg.norm(features[members] - features[members].mean(axis=0), axis=1)
        np.testing.assert_array_equal(image, IMAGES[members[np.argmin(distances)]])


def test_confusable_takes_the_image_closest_to_another_class_when_alone():
    model = small_model(relations="batch")
    model.set_references(IMAGES, LABELS, select="confusable")
    assert model.relations == "batch"
    model.relations = "self"
    predictions = model.predict(IMAGES, verbose=0)
    for label, image in enumerate(kept(model)):
        members = np.flatnonzero(label == LABELS)
        margins = predictions[members, label] - np.delete(predictions[members], label, 1).max(
            axis=1
        )
        order = sorted(range(len(members)), key=lambda row: (margins[row] < 0, abs(margins[row])))
        np.testing.assert_array_equal(image, IMAGES[members[order[0]]])


class Batches(keras.utils.PyDataset):
    def __init__(self, labels):
        super().__init__()
        self.labels = labels

    def __len__(self):
        return 3

    def __getitem__(self, index):
        part = slice(8 * index, 8 * index + 8)
        return IMAGES[part], self.labels[part]


def as_arrays(labels):
    return (IMAGES, labels)


def as_tensors(labels):
    return (ops.convert_to_tensor(IMAGES), ops.convert_to_tensor(labels))


def as_pydataset(labels):
    return (Batches(labels),)


def as_tf_dataset(labels):
    tf = pytest.importorskip("tensorflow")
    return (tf.data.Dataset.from_tensor_slices((IMAGES, labels)).batch(8),)


def as_torch_loader(labels):
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.from_numpy(IMAGES), torch.from_numpy(labels))
    return (torch.utils.data.DataLoader(data, batch_size=8),)


@pytest.mark.parametrize("one_hot", [False, True])
@pytest.mark.parametrize(
    "form", [as_arrays, as_tensors, as_pydataset, as_tf_dataset, as_torch_loader]
)
def test_data_of_every_form_gives_the_same_references(form, one_hot):
    model, expected = small_model(), small_model()
    labels = keras.utils.to_categorical(LABELS, CLASSES) if one_hot else LABELS
    model.set_references(*form(labels), per_class=2, seed=3)
    expected.set_references(IMAGES, LABELS, per_class=2, seed=3)
    np.testing.assert_array_equal(kept(model), kept(expected))


FRESH_PROCESS = """
import numpy as np, keras, keras_rbi
expected = np.load(r"{folder}/expected.npz")
for keep in ("images", "features"):
    model = keras.models.load_model(rf"{folder}/{{keep}}.keras")
    assert model.relations == "references", model.relations
    assert model.references.num_references == 8
    features = keras.ops.convert_to_numpy(model.references.features)
    predictions = model.predict(expected["queries"], verbose=0)
    np.testing.assert_allclose(predictions, expected[keep], atol=1e-5)
    # To the bit: they were restored and not computed again.
    np.testing.assert_array_equal(features, expected[keep + "_features"])
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(model.references.features), expected[keep + "_features"]
    )
"""


def backends_to_load_on():
    own = keras.config.backend()
    return [own, "jax" if own == "tensorflow" else "tensorflow"]


@pytest.mark.parametrize("backend", backends_to_load_on())
def test_references_are_restored_in_a_fresh_process_on_any_backend(tmp_path, backend):
    pytest.importorskip(backend)
    expected = {"queries": QUERIES}
    for keep in ("images", "features"):
        model = with_references(small_model(), per_class=2, keep=keep)
        expected[keep] = model.predict(QUERIES, verbose=0)
        expected[f"{keep}_features"] = ops.convert_to_numpy(model.references.features)
        model.save(tmp_path / f"{keep}.keras")
    np.savez(tmp_path / "expected.npz", **expected)
    done = subprocess.run(
        [sys.executable, "-c", FRESH_PROCESS.format(folder=tmp_path)],
        capture_output=True,
        text=True,
        env=os.environ | {"KERAS_BACKEND": backend},
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_new_references_replace_the_old_ones(tmp_path):
    model = with_references(small_model(), per_class=1)
    model.predict(QUERIES, verbose=0)
    without = small_model().count_params()
    model.set_references(IMAGES, LABELS, per_class=3)
    state = sum(int(np.prod(weight.shape)) for weight in model.references.weights)
    assert model.count_params() == without + state
    predictions = model.predict(QUERIES, verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert loaded.references.num_references == 12
    np.testing.assert_allclose(loaded.predict(QUERIES, verbose=0), predictions, atol=1e-6)
    assert loaded.references.get_config() == model.references.get_config()


def test_layers_of_ones_own_are_saved_with_the_mode(tmp_path):
    model = with_references(
        small_model(rpe=RPE(normalize=False), rra=RRA(8, softmax_axis=-1)), keep="features"
    )
    expected = model.predict(QUERIES, verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert loaded.relations == loaded.rra.inference_relations == "references"
    assert loaded.references.get_config() == model.references.get_config()
    np.testing.assert_allclose(loaded.predict(QUERIES, verbose=0), expected, atol=1e-6)


def test_references_are_not_trained_and_do_not_change_training():
    models = [small_model(relation_dropout=0.0) for _ in range(2)]
    models[1].set_weights(models[0].get_weights())
    with_references(models[1])
    losses = []
    for model in models:
        model.compile("sgd", "sparse_categorical_crossentropy")
        history = model.fit(IMAGES, LABELS, batch_size=10, shuffle=False, epochs=2, verbose=0)
        losses.append(history.history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    assert not models[1].references.trainable_weights


def expected_features(model):
    embedder = keras.Model(model.input, model.get_layer("embedding").output)
    return embedder.predict(kept(model), verbose=0)


def train(model, **kwargs):
    model.compile(
        keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model.fit(IMAGES, LABELS, batch_size=10, verbose=0, **kwargs)


def set_other_weights(model):
    model.backbone.set_weights([weight + 0.1 for weight in model.backbone.get_weights()])


@pytest.mark.parametrize(
    ("use", "change"),
    [
        ("predict", train),
        ("predict", set_other_weights),
        ("predict_on_batch", set_other_weights),
        ("evaluate", set_other_weights),
        ("test_on_batch", set_other_weights),
    ],
)
def test_features_are_computed_again_when_the_weights_have_changed(use, change):
    model = with_references(small_model())
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = ops.convert_to_numpy(model.references.features).copy()
    change(model)
    if use.startswith("predict"):
        getattr(model, use)(QUERIES)
    else:
        getattr(model, use)(IMAGES, LABELS)
    features = ops.convert_to_numpy(model.references.features)
    assert np.abs(features - before).max() > 1e-3
    np.testing.assert_allclose(features, expected_features(model), atol=1e-5)


def test_validation_during_training_uses_the_features_of_the_epoch():
    model = with_references(small_model())
    history = train(model, epochs=3, validation_data=(QUERIES, LABELS[:6]))
    loss = model.evaluate(QUERIES, LABELS[:6], verbose=0)[0]
    assert history.history["val_loss"][-1] == pytest.approx(loss, abs=1e-5)
    assert len(set(history.history["val_loss"])) == 3


def test_a_model_that_was_trained_on_and_saved_notices_after_loading(tmp_path):
    model = with_references(small_model())
    train(model)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    expected = model.predict(QUERIES, verbose=0)
    np.testing.assert_allclose(loaded.predict(QUERIES, verbose=0), expected, atol=1e-6)


def test_with_features_alone_changed_weights_are_an_error():
    model = with_references(small_model(), keep="features")
    with pytest.raises(ValueError, match="train, and call"):
        train(model)
    model.relations = "self"
    train(model, validation_data=(QUERIES, LABELS[:6]))
    model.predict(QUERIES, verbose=0)
    model.relations = "references"
    with pytest.raises(ValueError, match="weights have changed"):
        model.predict(QUERIES, verbose=0)
    model.set_references(IMAGES, LABELS, keep="features")
    assert np.isfinite(model.predict(QUERIES, verbose=0)).all()


def test_with_features_alone_the_head_may_be_trained():
    model = with_references(small_model(), keep="features")
    model.backbone.trainable = model.get_layer("embedding").trainable = False
    train(model)
    assert np.isfinite(model.predict(QUERIES, verbose=0)).all()


def test_thumbnails_are_small_and_their_error_is_stated():
    backbone = keras_rbi.backbones.SmallCNN((70, 64, 3), widths=(4, 8))
    model = keras_rbi.RBIModel(backbone, CLASSES, embedding_dim=8, variant="0.1")
    rng = np.random.default_rng(0)
    images = np.clip(
        rng.uniform(60, 200, (8, 1, 1, 3)) + rng.normal(0, 30, (8, 70, 64, 3)), 0, 255
    ).astype("uint8")
    model.set_references(images, keep="features")
    references = model.references
    assert kept(model).shape == (8, 35, 32, 3)
    # The relations among the references are those of the images themselves.
    errors = mean_squared_error(images)
    exact = 20 * np.log10(255 / (np.sqrt(errors) + 1)) / (20 * np.log10(255))
    np.testing.assert_allclose(ops.convert_to_numpy(references.relations), exact, atol=1e-5)
    estimate = ops.convert_to_numpy(model.rpe.relations_to(images, references))
    apart = ~np.eye(8, dtype=bool)
    assert references.relations_error == pytest.approx(np.abs(estimate - exact)[apart].mean(), 1e-3)
    assert 0 < references.relations_error < 2e-3


def test_a_mode_without_references_says_what_to_call():
    model = small_model()
    assert model.references is None
    with pytest.raises(ValueError, match="set_references"):
        model.relations = "references"
    with pytest.raises(ValueError, match="set_references"):
        small_model(relations="references")
    model.update_references()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((random_images(4, side=8),), "model's size"),
        ((IMAGES[:0],), "model's size"),
        ((IMAGES[0],), "model's size"),
        ((IMAGES.astype("float32") - 1,), "from 0 to 255"),
        ((IMAGES * np.float32(np.nan),), "from 0 to 255"),
        ((IMAGES / np.float32(255),), "Multiply them by 255"),
        ((IMAGES[..., 0], LABELS), "model's size"),
        ((IMAGES, LABELS + 1), "do not fit the 4 classes"),
        ((IMAGES, LABELS[:5]), "20 images and 5 labels"),
        ((IMAGES, LABELS, 0), "per_class=0"),
        ((IMAGES, LABELS, 1, "best"), "select='best'"),
        ((IMAGES, None, 1, "herding"), "needs labels"),
        ((IMAGES, LABELS, 1, "random", "pixels"), "keep='pixels'"),
        ((iter([(IMAGES, LABELS)]),), "as arrays"),
        (([IMAGES[:2]],), "(images, labels)"),
    ],
)
def test_unfit_arguments_are_named(arguments, message):
    model = with_references(small_model())
    before = model.references
    with pytest.raises(ValueError, match=message.replace("(", r"\(").replace(")", r"\)")):
        model.set_references(*arguments)
    assert model.references is before


def test_models_that_cannot_have_references_say_so():
    backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8))
    with pytest.raises(ValueError, match="number of classes"):
        keras_rbi.RBIModel(backbone).set_references(IMAGES)

    class Alike(keras.layers.Layer):
        def call(self, images):
            return ops.ones((ops.shape(images)[0],) * 2)

        def compute_output_shape(self, shape):
            return (shape[0], shape[0])

    with pytest.raises(ValueError, match="Derive it from RPE or RRA"):
        small_model(rpe=Alike(), relations="batch").set_references(IMAGES)
