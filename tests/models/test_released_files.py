"""Files that version 0.1.0 wrote load, predict and go on training as they did."""

import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_rbi  # noqa: F401

pytestmark = pytest.mark.usefixtures("untraced")

ARCHIVE = Path(__file__).parents[1] / "released_files" / "version_0_1.zip"
with zipfile.ZipFile(ARCHIVE) as archive:
    NAMES = sorted(Path(name).stem for name in archive.namelist() if name.endswith(".keras"))


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """The folder of files, and what they are expected to predict."""
    folder = tmp_path_factory.mktemp("released")
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(folder)
    with np.load(folder / "expected.npz") as file:
        return folder, dict(file)


def images_of(model, expected):
    return expected["images" if model.input_shape[1] == 16 else "large"]


def tolerance(name):
    # Half precision is rounded in another order on each backend.
    return 2e-2 if name == "rbi_mixed_precision" else 2e-6


@pytest.mark.parametrize("name", NAMES)
def test_it_predicts_as_it_did(released, name):
    folder, expected = released
    model = keras.models.load_model(folder / f"{name}.keras")
    images = images_of(model, expected)
    compared = 0
    for key, values in expected.items():
        mode = key.removeprefix(f"{name}/")
        if not key.startswith(f"{name}/") or mode == "after":
            continue
        if mode == "masked":
            model.relations = "batch"
            given = {"images": images, "mask": np.arange(len(images)) < len(values)}
        else:
            given = images
            if mode != "none":
                model.relations = mode
        found = model.predict(given, batch_size=len(images), verbose=0)[: len(values)]
        np.testing.assert_allclose(found, values, atol=tolerance(name))
        compared += 1
    assert compared


@pytest.mark.parametrize("name", NAMES)
def test_it_goes_on_training_with_its_optimizers_state(released, name):
    folder, expected = released
    after = expected.get(f"{name}/after")
    if after is None:
        pytest.skip("draws random numbers in training")
    model = keras.models.load_model(folder / f"{name}.keras")
    assert int(keras.ops.convert_to_numpy(model.optimizer.iterations)) == 7
    images, labels = images_of(model, expected), expected["labels"]
    if name == "rbi_references":
        model.relations = "self"
    if name == "rbi_masked":
        mask = np.arange(len(images)) < 6
        model.train_on_batch({"images": images, "mask": mask}, labels, mask.astype("float32"))
    else:
        model.train_on_batch(images, labels)
    found = model.predict(images, batch_size=len(images), verbose=0)
    # A step of Adam divides by roots of small numbers, which no two backends round alike.
    np.testing.assert_allclose(found, after, atol=10 * tolerance(name))
