"""Training in mixed precision, and the model that is left."""

import importlib

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from keras_rbi.training import RunFolder, TrainingSettings, prepare, run_data
from keras_rbi.training.build import in_float32

module = importlib.import_module("keras_rbi.training.precision")
SETTINGS = TrainingSettings(image_size=16, per_class=1, epochs=1, precision="mixed_float16")


def test_a_mixed_run_leaves_a_model_of_float32(monkeypatch, tmp_path):
    for split in ("validation", "test"):
        monkeypatch.setitem(run_data.TYPEFACES_PER_CLASS, split, 1)
    run = prepare(SETTINGS, RunFolder(tmp_path / "run"))
    assert run.model.backbone.layers[-1].compute_dtype == "float16"
    assert keras.config.dtype_policy().name == "float32"
    run.fit(verbose=0)
    state = [np.array(convert_to_numpy(each)) for each in run.model.optimizer.variables]
    # Killed before its end.
    run = prepare(TrainingSettings(), RunFolder(tmp_path / "run"), resume=True)
    assert run.model.backbone.layers[-1].compute_dtype == "float16"
    assert isinstance(run.model.optimizer, keras.optimizers.LossScaleOptimizer)
    for found, expected in zip(run.model.optimizer.variables, state, strict=True):
        np.testing.assert_array_equal(convert_to_numpy(found), expected)
    metrics = run.complete(verbose=0)
    assert metrics["settings"]["precision"] == "mixed_float16"
    kept = keras.models.load_model(run.folder.model)
    layers = [kept.rpe, kept.rra, kept.classifier, *kept.backbone.layers]
    assert {layer.compute_dtype for layer in layers} == {"float32"}
    for ours, theirs in zip(kept.get_weights(), run.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), np.uint8)
    mixed = run.model.predict(images, verbose=0)
    np.testing.assert_allclose(kept.predict(images, verbose=0), mixed, atol=0.02)


def test_a_model_of_float32_is_left_as_it_is(tmp_path):
    run = prepare(TrainingSettings(image_size=16, per_class=1), RunFolder(tmp_path / "run"))
    assert in_float32(run.model, run.settings) is run.model


def test_a_processor_computes_with_float32():
    if module.fitting_policy() != "float32":
        pytest.skip("there is an accelerator")
    with module.precision_of(None):
        assert keras.layers.Dense(1).compute_dtype == "float32"


@pytest.mark.parametrize(("version", "policy"), [((7, 5), "float32"), ((9, 0), "mixed_bfloat16")])
def test_a_gpu_that_has_units_for_it_computes_with_bfloat16(version, policy, monkeypatch):
    """With what each backend says of such a GPU."""
    backend = keras.config.backend()
    library = pytest.importorskip(backend)
    if backend == "tensorflow":
        experimental = library.config.experimental
        details = {"compute_capability": version}
        monkeypatch.setattr(library.config, "list_physical_devices", lambda _: ["a GPU"])
        monkeypatch.setattr(experimental, "get_device_details", lambda _: details)
    elif backend == "jax":
        capability = "{}.{}".format(*version)
        device = type("Device", (), {"platform": "gpu", "compute_capability": capability})
        monkeypatch.setattr(library, "local_devices", lambda: [device])
    else:
        monkeypatch.setattr(library.cuda, "is_available", lambda: True)
        monkeypatch.setattr(library.cuda, "get_device_capability", lambda: version)
    assert module.fitting_policy() == policy
