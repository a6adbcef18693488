"""Models whose classes are read off the data, in everything that Keras does with a model."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_rbi
from keras_rbi.models import BackboneClassifier, BatchFormerModel

BACKEND = keras.backend.backend()
SIDE, CLASSES = 16, 3
LABELS = np.arange(12) % CLASSES
OPEN = {
    "rbi": lambda backbone, **given: keras_rbi.RBIModel(backbone, embedding_dim=8, **given),
    "batch_former": BatchFormerModel,
    "backbone_alone": BackboneClassifier,
}


def images(count=12, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3)).astype("uint8")


def backbone():
    return keras_rbi.backbones.SmallCNN((SIDE, SIDE, 3), widths=(4, 8))


@pytest.fixture(params=OPEN)
def kind(request):
    return OPEN[request.param]


@pytest.fixture(scope="module", params=OPEN)
def fitted(request):
    """A model whose classes `fit` has read."""
    model = OPEN[request.param](backbone())
    model.fit(images(), LABELS, verbose=0)
    return model


def test_what_keras_shows_of_a_model(fitted):
    lines = []
    fitted.summary(print_fn=lambda line, **_: lines.append(line))
    names = ["classifier", *(["rpe", "rra"] if fitted.rra is not None else [])]
    assert all(name in "\n".join(lines) for name in names)
    pytest.importorskip("pydot")
    dot = keras.utils.model_to_dot(fitted, show_shapes=True).to_string()
    assert all(name in dot for name in names)
    for name in names:
        layer = fitted.get_layer(name)
        inner = keras.Model(fitted.input, layer.output)
        rows = inner.predict_on_batch(images())
        if name == "classifier":
            assert layer.kernel.shape[1] == rows.shape[1] == CLASSES
            expected = fitted.predict_on_batch(images())
            np.testing.assert_allclose(rows, expected, atol=1e-6)


def test_copies_of_a_model(fitted, tmp_path):
    expected = fitted.predict_on_batch(images())
    fitted.save(tmp_path / "model.keras")
    fitted.save_weights(tmp_path / "model.weights.h5")
    again = type(fitted).from_config(fitted.get_config())
    again.load_weights(tmp_path / "model.weights.h5")
    clone = keras.models.clone_model(fitted)
    clone.set_weights(fitted.get_weights())
    for model in (keras.models.load_model(tmp_path / "model.keras"), again, clone):
        np.testing.assert_allclose(model.predict_on_batch(images()), expected, atol=1e-6)


def test_weights_wait_for_the_classes(kind, tmp_path):
    model = kind(backbone(), num_classes=CLASSES)
    model.save_weights(tmp_path / "model.weights.h5")
    for use in (
        lambda: kind(backbone()).load_weights(tmp_path / "model.weights.h5"),
        lambda: kind(backbone()).save_weights(tmp_path / "open.weights.h5"),
        lambda: kind(backbone()).save(tmp_path / "open.keras"),
        lambda: kind(backbone()).predict(images(), verbose=0),
        lambda: kind(backbone())(images()),
    ):
        with pytest.raises(ValueError, match=r"Pass `num_classes=`.*or call `fit`"):
            use()


def test_two_in_one_ensemble(kind):
    models = [kind(backbone(), num_classes=CLASSES), kind(backbone())]
    models[1].fit(images(), LABELS, verbose=0)
    assert models[0].name != models[1].name
    inputs = keras.Input((SIDE, SIDE, 3))
    mean = keras.layers.Average()([model(inputs) for model in models])
    ensemble = keras.Model(inputs, mean)
    expected = np.mean([model.predict_on_batch(images()) for model in models], 0)
    np.testing.assert_allclose(ensemble.predict_on_batch(images()), expected, atol=1e-6)
    ensemble.compile("sgd", "sparse_categorical_crossentropy")


class Seen(keras.layers.Layer):
    """Counts the images whose mean it is told, in a variable of each number."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.counts = self.add_weight(shape=(9,), initializer="zeros", trainable=False)

    def call(self, inputs, training=None):
        if training:
            numbers = keras.ops.cast(inputs[:, 0, 0, 0], "int32")
            self.counts.assign(
                self.counts + keras.ops.sum(keras.ops.one_hot(numbers, 9, dtype="float32"), 0)
            )
        return inputs


def numbered(endless=False):
    """Batches of 4 whose first pixel is their number."""
    number = 0
    while number < 3 or endless:
        rows = images(4)
        rows[:, 0, 0, 0] = number % 9
        yield rows, np.arange(4) % CLASSES
        number += 1


class Endless(keras.utils.PyDataset):
    """Without a length, as Keras allows."""

    num_batches = None

    def __getitem__(self, index):
        rows = images(4)
        rows[:, 0, 0, 0] = index % 9
        return rows, np.arange(4) % CLASSES


def endless_tf():
    tf = pytest.importorskip("tensorflow")
    rows, labels = map(np.concatenate, zip(*numbered(), strict=True))
    return tf.data.Dataset.from_tensor_slices((rows, labels)).batch(4).repeat()


FORMS = {
    "generator": lambda: numbered(),
    "endless generator": lambda: numbered(True),
    "endless tf.data": endless_tf,
    "endless PyDataset": Endless,
}


@pytest.mark.usefixtures("untraced_test")
@pytest.mark.parametrize("form", FORMS)
def test_no_batch_of_endless_data_is_lost(kind, form):
    seen = Seen()
    model = kind(backbone(), num_classes=CLASSES, preprocessing=seen)
    model.fit(FORMS[form](), steps_per_epoch=3, verbose=0)
    assert model.compiled
    counts = keras.ops.convert_to_numpy(seen.counts)
    np.testing.assert_array_equal(counts[:3], 4)


@pytest.mark.parametrize("form", ["endless generator", "endless tf.data", "endless PyDataset"])
def test_classes_are_not_read_off_endless_data(kind, form):
    with pytest.raises(ValueError, match=r"Pass `num_classes=`"):
        kind(backbone()).fit(FORMS[form](), steps_per_epoch=3, verbose=0)


@pytest.mark.usefixtures("untraced_test")
def test_a_tuner_searches_among_open_models(kind, tmp_path):
    tuner_of = pytest.importorskip("keras_tuner")

    def build(hp):
        model = kind(backbone())
        rate = hp.Choice("rate", [1e-3, 1e-2])
        model.compile(
            keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        return model

    tuner = tuner_of.RandomSearch(
        build, "val_loss", max_trials=2, directory=tmp_path, project_name="search"
    )
    data = {"validation_data": (images(6, 1), LABELS[:6]), "epochs": 1, "verbose": 0}
    tuner.search(images(), LABELS, **data)
    assert len(tuner.oracle.trials) == 2
    best = tuner.hypermodel.build(tuner.get_best_hyperparameters()[0])
    best.fit(images(), LABELS, verbose=0)
    assert best.predict(images(), verbose=0).shape == (12, CLASSES)


STRATEGY = """
import json, sys
import numpy as np
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
import keras_rbi
from keras_rbi.models import BatchFormerModel

images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3)).astype("uint8")
labels = np.arange(16) % 3
shapes = []
for kind, compiled in (
    (keras_rbi.RBIModel, True),
    (BatchFormerModel, False),
):
    strategy = tf.distribute.MirroredStrategy(
        ["/cpu:0", "/cpu:1"], tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        backbone = keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8))
        model = kind(backbone)
        if compiled:
            model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    losses = model.fit(images, labels, batch_size=8, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    shapes.append(list(model.predict(images, verbose=0).shape))
    kernel = model.classifier.kernel.value
    assert len(kernel.values) == 2, kernel
    one, two = (each.numpy() for each in kernel.values)
    assert np.array_equal(one, two)
print("\\n" + json.dumps(shapes))
"""


def in_process(program, *options):
    environment = os.environ | {"KERAS_BACKEND": BACKEND}
    return subprocess.run(
        [sys.executable, *options, "-c", program], env=environment, capture_output=True, text=True
    )


@pytest.mark.skipif(BACKEND != "tensorflow", reason="a strategy is TensorFlow's")
def test_a_model_is_made_under_a_strategy_and_fitted_outside():
    done = in_process(STRATEGY)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [[16, 3]] * 2


ERRORS = """
warnings.simplefilter("error")
# Of NumPy, where Keras makes arrays of PyTorch's tensors.
warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy keyword")
"""
README = """
import os, sys, tempfile, warnings
# What the backends and Keras warn of when they are loaded and on plain models.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import keras
    import numpy as np
    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3)).astype("uint8")
    labels = np.arange(8) % 2
    plain = keras.Sequential(
        [keras.Input((16, 16, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    plain.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    plain.fit(images, labels, verbose=0)
    plain.save(os.path.join(tempfile.mkdtemp(), "plain.keras"))
    plain.predict(images, verbose=0)

import keras_rbi
model = keras_rbi.RBIModel(keras_rbi.backbones.SmallCNN((16, 16, 3), widths=(4, 8)))
model.fit(images, labels, verbose=0)
path = os.path.join(tempfile.mkdtemp(), "model.keras")
model.save(path)
again = keras.models.load_model(path)
assert again.predict(images, verbose=0).shape == (8, 2)
"""


def test_the_first_steps_warn_of_nothing():
    done = in_process(README.replace("import keras_rbi\n", f"import keras_rbi\n{ERRORS}"))
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Warning" not in done.stderr
