"""A run of two stages, killed after each of its epochs."""

import importlib
import json
import shutil

import keras
import numpy as np
import pytest

from keras_rbi import training
from keras_rbi.training import RunFolder, TrainingSettings, prepare, run_data
from keras_rbi.training.freezing import backbone_of

EPOCHS = 3
SETTINGS = TrainingSettings(
    recipe="finetune",
    image_size=16,
    per_class=2,
    epochs=EPOCHS,
    head_epochs=1,
    warmup_epochs=0.5,
    learning_rate=0.01,
    backbone_learning_rate=1e-3,
    ema=0.5,
    mixup=0.5,
    cutmix=0.5,
    embedding_dim=16,
    # What the optimizer has come to is looked at below.
    keep_best=False,
)


def weights(model):
    return [weight.copy() for weight in model.get_weights()]


@pytest.fixture(scope="module")
def few_images():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def whole(tmp_path_factory, few_images):
    """The whole run, its metrics, a copy of its folder and its backbone after each epoch."""
    parent = tmp_path_factory.mktemp("runs")
    few_images.setitem(run_data.TYPEFACES_PER_CLASS, "validation", 1)
    few_images.setitem(run_data.TYPEFACES_PER_CLASS, "test", 1)
    # By `sys.modules`, since the package has a function of the module's name.
    finish = importlib.import_module("keras_rbi.training.finish")
    few_images.setattr(finish, "BATCH_SIZES", ())
    module = importlib.import_module("keras_rbi.training.training_run")
    keras.utils.set_random_seed(1)
    run = prepare(SETTINGS, RunFolder(parent / "whole"))
    save = module.save_checkpoint

    def save_and_copy(folder, model, epochs, history):
        save(folder, model, epochs, history)
        if folder is not run.folder:
            return
        shutil.copytree(run.folder.path, parent / f"after-{epochs}")
        backbones.append(weights(backbone_of(model)))

    few_images.setattr(module, "save_checkpoint", save_and_copy)
    backbones = [weights(backbone_of(run.model))]
    metrics = run.complete(verbose=0)
    return parent, run, metrics, backbones


# The end of the first stage, one in the second, and the others.
@pytest.mark.parametrize(
    "epochs",
    [1, 2, *(pytest.param(epochs, marks=pytest.mark.nightly) for epochs in range(3, EPOCHS + 1))],
)
def test_ends_as_if_it_had_not_been_killed(whole, epochs):
    parent, run, metrics, _ = whole
    # State of the process that a new one does not have.
    keras.utils.set_random_seed(2)
    resumed = prepare(TrainingSettings(), RunFolder(parent / f"after-{epochs}"), resume=True)
    assert resumed.finished_epochs == epochs
    again = resumed.complete(verbose=0)
    for ours, theirs in zip(weights(resumed.model), weights(run.model), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    for name, values in run.history.items():
        assert len(values) == EPOCHS
        assert resumed.history[name] == pytest.approx(values, abs=1e-6)
    assert again["test_accuracy_by_relations"] == metrics["test_accuracy_by_relations"]


def test_the_first_stage_leaves_the_backbone_and_the_second_does_not(whole):
    before, first, second, _ = whole[3]
    for value, start in zip(first, before, strict=True):
        np.testing.assert_array_equal(value, start)
    assert all(
        not np.array_equal(value, start) for value, start in zip(second, before, strict=True)
    )


def test_the_optimizer_is_as_the_settings_say(whole):
    _, run, _, _ = whole
    optimizer = run.model.optimizer
    config = optimizer.get_config()
    backbone = len(backbone_of(run.model).trainable_variables)
    others = len(run.model.trainable_variables) - backbone
    assert config["learning_rate_factors"] == pytest.approx([0.1] * backbone + [1.0] * others)
    assert (config["weight_decay"], config["weight_decay_on_vectors"]) == (0.05, False)
    # Two epochs of two batches; the schedule of three epochs is at its end.
    assert int(optimizer.iterations) == 4
    assert float(optimizer.learning_rate) == pytest.approx(0.0, abs=1e-8)


def test_the_saved_model_holds_the_averages(whole):
    _, run, _, _ = whole
    saved = keras.models.load_model(run.folder.model)
    averages = [
        keras.ops.convert_to_numpy(variable)
        for variable in run.model.optimizer.variables
        if variable.name.endswith("_average")
    ]
    assert not saved.compiled
    assert len(averages) == len(saved.trainable_variables)
    for variable, average in zip(saved.trainable_variables, averages, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), average)


def test_settings_of_a_former_version_are_filled_in(whole):
    parent, *_ = whole
    folder = RunFolder(parent / "former")
    folder.path.mkdir()
    new = {name for name in training.recipes.RECIPES["finetune"] if name != "epochs"}
    kept = {
        name: value
        for name, value in TrainingSettings(backbone="SmallCNN").resolved().as_dict().items()
        if name not in new - {"learning_rate"} | {"recipe", "schedule", "mixup", "cutmix"}
    }
    folder.settings.write_text(json.dumps({"settings": kept, "class_names": ["a"]}))
    assert folder.read_settings()[0] == TrainingSettings(backbone="SmallCNN").resolved()
