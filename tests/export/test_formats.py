"""Every format on the backend in force: its own predictions, and rows that stand alone.

One file for each format and mode, and the runtimes are called here: a process each takes long,
and is what the nightly tests have.
"""

import importlib.util
import json

import keras
import numpy as np
import pytest
import small_model

from keras_rbi.export import FORMATS
from keras_rbi.export.formats import backend_for
from keras_rbi.export.options import export_options
from keras_rbi.export.run_without_keras import runner
from keras_rbi.export.writing import write_here

BACKEND = keras.config.backend()
MODES = ["self", "references"]
# OpenVINO takes its time to convert.
SLOW = {"openvino": [pytest.mark.nightly]}
CASES = [(name, mode) for name in FORMATS for mode in MODES]


def backend_or_skip(name):
    """The backend that writes a format, where what it needs is installed."""
    try:
        return backend_for(name, BACKEND)
    except ValueError as error:
        return pytest.skip(str(error))


@pytest.fixture(scope="module")
def model():
    model = small_model.model(relation_dropout=0.0)
    model.set_references(small_model.images(6, seed=9))
    return model


@pytest.fixture(scope="module")
def exports(model, tmp_path_factory):
    """Function of a format and a mode to a runtime's predictions, made once."""
    made = {}

    def outputs_of_images(name, mode):
        if backend_or_skip(name) != BACKEND:
            pytest.skip(f"{name} is not written on {BACKEND}; that it is elsewhere has a test")
        if name == "litert" and importlib.util.find_spec("ai_edge_litert") is None:
            pytest.skip("ai_edge_litert is not installed")
        if (name, mode) not in made:
            path = tmp_path_factory.mktemp(name) / f"model{FORMATS[name].suffix}"
            model.relations = mode
            arguments = ("images", ("probabilities", "top_k"), 2, "float32", None)
            write_here(model, path, export_options(model, name, mode, *arguments))
            made[name, mode] = runner(FORMATS[name].run_file)(path)
        prediction, about = made[name, mode]
        return (lambda rows: prediction("images", rows)["probabilities"]), json.loads(about)

    return outputs_of_images


@pytest.mark.parametrize(
    ("name", "mode"), [pytest.param(*case, marks=SLOW.get(case[0], [])) for case in CASES]
)
def test_rows_are_the_models_and_stand_alone(model, exports, name, mode):
    prediction, about = exports(name, mode)
    assert about["class_names"] == small_model.NAMES
    assert about["relations"] == mode
    rows = small_model.images(12).astype("float32")
    model.relations = mode
    expected = model.predict(rows, verbose=0)
    whole = prediction(rows)
    np.testing.assert_allclose(whole, expected, atol=1e-5)
    for seed in range(3):
        order = [0, *np.random.default_rng(seed).permutation(np.arange(1, 12))]
        np.testing.assert_array_equal(prediction(rows[order])[0], whole[0])
    for size in (1, 2, 5):
        np.testing.assert_allclose(prediction(rows[:size]), whole[:size], atol=1e-5)
    for company in (np.zeros, np.ones):
        others = 255 * company((7, *rows.shape[1:]), "float32")
        beside = np.concatenate([others[:2], rows[:1], others[2:]])
        np.testing.assert_allclose(prediction(beside)[2], whole[0], atol=1e-5)
    padded = np.concatenate([rows[:3], np.repeat(rows[:1], 5, axis=0)])
    np.testing.assert_allclose(prediction(padded)[:3], whole[:3], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "mode"), [pytest.param(*case, marks=SLOW.get(case[0], [])) for case in CASES]
)
def test_pixels_that_are_no_numbers_are_black(exports, name, mode):
    prediction, _ = exports(name, mode)
    rows = small_model.images(4).astype("float32")
    black = rows.copy()
    for number, value in enumerate((np.nan, np.inf, -np.inf)):
        rows[number, 5, 7, 1] = value
        black[number, 5, 7, 1] = 0.0
    np.testing.assert_array_equal(prediction(rows), prediction(black))


def neighbourhoods():
    """What an adversary sends along: other images, copies of one, greys, and noise."""
    rng = np.random.default_rng(1)
    for seed in range(5):
        others = small_model.images(7, seed=20 + seed)
        yield others
        yield np.repeat(others[:1], 7, axis=0)
        yield np.full_like(others, rng.integers(256))
        yield rng.integers(0, 256, others.shape)


def in_company(prediction, rows, neighbours):
    batches = (np.concatenate([row[None], neighbours]).astype("float32") for row in rows)
    return np.stack([prediction(batch)[0] for batch in batches])


@pytest.mark.parametrize(
    ("name", "mode"), [pytest.param(*case, marks=SLOW.get(case[0], [])) for case in CASES]
)
def test_no_neighbours_that_were_searched_change_an_answer(exports, name, mode):
    prediction, _ = exports(name, mode)
    rows = small_model.images(6)
    expected = prediction(rows.astype("float32"))
    for neighbours in neighbourhoods():
        np.testing.assert_allclose(in_company(prediction, rows, neighbours), expected, atol=1e-5)


def test_the_same_neighbours_flip_answers_in_a_batch(model):
    rows = small_model.images(6)
    model.relations = "batch"
    alone = model.predict(rows, batch_size=1, verbose=0).argmax(1)
    prediction = model.predict_on_batch
    assert any(
        (in_company(prediction, rows, each).argmax(1) != alone).any() for each in neighbourhoods()
    )


@pytest.mark.parametrize("name", ["tf_saved_model", "onnx", "litert"])
def test_the_modes_are_not_the_same_model(exports, name):
    rows = small_model.images(8).astype("float32")
    alone, _ = exports(name, "self")
    beside_references, _ = exports(name, "references")
    assert np.abs(alone(rows) - beside_references(rows)).max() > 1e-3


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "mode"),
    [*CASES, *((name, "batch") for name in FORMATS)],
)
def test_every_format_passes_its_own_checks_from_every_backend(model, tmp_path, name, mode):
    backend_or_skip(name)
    path = tmp_path / f"model{FORMATS[name].suffix}"
    found = model.export(path, name, relations=mode, verbose=False).verification
    assert max(found.differences.values()) <= 1e-5
    assert mode == "batch" or found.batch_composition <= 1e-5


@pytest.mark.parametrize("group_size", [None, 3])
@pytest.mark.parametrize(
    "name",
    [
        "onnx",
        "torch",
        *(pytest.param(name, marks=pytest.mark.nightly) for name in ("openvino", "litert")),
    ],
)
def test_batches_of_all_sizes_relate(tmp_path, name, group_size):
    if backend_or_skip(name) != BACKEND:
        pytest.skip(f"{name} is not written on {BACKEND}")
    # Large enough for several parts of pixels.
    model = small_model.model(side=48, group_size=group_size, relations="batch")
    path = tmp_path / f"model{FORMATS[name].suffix}"
    arguments = model, name, "batch", "images", ("probabilities",), 2, "float32", None
    if name == "torch" and group_size:
        with pytest.raises(ValueError, match=r"cannot cut batches .* group_size=3"):
            export_options(*arguments)
        return
    write_here(model, path, export_options(*arguments))
    prediction, _ = runner(FORMATS[name].run_file)(path)
    for size in (1, 2, 7, 40):
        rows = small_model.images(size, side=48).astype("float32")
        expected = model.predict_on_batch(rows)
        np.testing.assert_allclose(prediction("images", rows)["probabilities"], expected, atol=1e-5)


@pytest.mark.nightly
@pytest.mark.parametrize("name", FORMATS)
def test_images_of_a_set_relate_to_each_other_alone(model, tmp_path, name):
    backend_or_skip(name)
    path = tmp_path / f"model{FORMATS[name].suffix}"
    model.export(path, name, inputs="sets", verbose=False)
    prediction, _ = runner(FORMATS[name].run_file)(path)
    sets = small_model.images(12).astype("float32").reshape(3, 4, 16, 16, 3)
    model.relations = "batch"
    expected = np.stack([model.predict(rows, batch_size=4, verbose=0) for rows in sets])
    model.relations = "self"
    np.testing.assert_allclose(prediction("sets", sets)["probabilities"], expected, atol=1e-5)
    filled = np.concatenate([sets[1:2], np.repeat(sets[:1], 4, axis=0)])
    found = prediction("sets", filled)["probabilities"][0]
    np.testing.assert_allclose(found, expected[1], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        ("onnx", "float16"),
        ("onnx", "int8"),
        pytest.param("openvino", "float16", marks=pytest.mark.nightly),
        pytest.param("litert", "float16", marks=pytest.mark.nightly),
        ("litert", "int8"),
    ],
)
def test_smaller_weights_answer_nearly_the_same_and_rows_stand_alone(
    model, tmp_path, name, precision
):
    if backend_or_skip(name) != BACKEND or BACKEND != "tensorflow":
        pytest.skip("tested where TensorFlow is the backend")
    model.relations = "references"
    path = tmp_path / f"model{FORMATS[name].suffix}"
    rows = small_model.images(12).astype("float32")
    arguments = ("images", ("probabilities", "top_k"), 2, precision, None)
    options = export_options(model, name, "references", *arguments)
    write_here(model, path, options, rows if precision == "int8" else None)
    prediction, _ = runner(FORMATS[name].run_file)(path)
    whole = prediction("images", rows)["probabilities"]
    difference = np.abs(whole - model.predict(rows, verbose=0)).max()
    assert 0 < difference < (0.1 if precision == "int8" else 5e-3)
    alone = np.concatenate([prediction("images", row[None])["probabilities"] for row in rows])
    np.testing.assert_allclose(alone, whole, atol=1e-5)
