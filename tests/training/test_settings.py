import dataclasses

import pytest

from keras_rbi.models import HERBS, BatchFormerModel, P2PNet
from keras_rbi.training import TrainingSettings, build_model
from keras_rbi.training.stages import Stage, stage_after, stages


def test_efficientnet_lite_learns_the_typefaces_from_imagenet():
    settings = TrainingSettings(backbone="EfficientNetLite0").resolved()
    assert (settings.weights, settings.image_size) == ("imagenet", 96)
    assert (settings.learning_rate, settings.freeze_batch_norms) == (6e-3, True)
    assert (settings.feature_head, settings.epochs, settings.warmup_epochs) == (True, 3, 0.75)
    herbs = TrainingSettings(backbone="EfficientNetLite0", method="herbs").resolved()
    assert (herbs.feature_head, herbs.learning_rate) == (None, 3e-3)
    scratch = TrainingSettings(backbone="EfficientNetLite0", weights="none").resolved()
    assert (scratch.learning_rate, scratch.freeze_batch_norms) == (4e-3, None)
    photographs = TrainingSettings(dataset="birds", backbone="EfficientNetLite0").resolved()
    assert (photographs.image_size, photographs.learning_rate) == (224, 1e-3)


def test_photographs_begin_with_a_small_pretrained_network_and_a_head_on_its_features():
    settings = TrainingSettings(dataset="birds").resolved()
    assert (settings.backbone, settings.weights) == ("EfficientNetLite0", "imagenet")
    assert (settings.feature_head, settings.quick, settings.head_epochs) == (True, False, None)
    assert (settings.learning_rate, settings.backbone_learning_rate) == (1e-3, None)
    without = TrainingSettings(dataset="birds", feature_head=False).resolved()
    assert (without.learning_rate, without.backbone_learning_rate) == (1e-3, 1e-4)
    assert (settings.epochs, settings.warmup_epochs) == (10, 1.0)
    assert TrainingSettings(dataset="birds", epochs=1).resolved().warmup_epochs == 0.25
    scratch = TrainingSettings(dataset="birds", weights="none").resolved()
    assert (scratch.feature_head, scratch.learning_rate, scratch.epochs) == (None, 4e-3, 50)
    frozen = TrainingSettings(dataset="birds", freeze="backbone").resolved()
    assert (frozen.feature_head, frozen.learning_rate) == (None, 3e-3)
    paper = TrainingSettings(dataset="birds", recipe="paper").resolved()
    assert (paper.backbone, paper.learning_rate, paper.feature_head) == ("DenseNet201", 1e-5, None)
    with pytest.raises(ValueError, match="`quick` needs a backbone that knows something"):
        TrainingSettings(quick=True).resolved()
    with pytest.raises(ValueError, match=r"`quick`.*Received: method='herbs'"):
        TrainingSettings(dataset="birds", quick=True, method="herbs").resolved()


def test_a_bare_run_is_the_small_network_from_scratch():
    settings = TrainingSettings().resolved()
    assert (settings.backbone, settings.weights) == ("SmallCNN", "none")
    assert (settings.epochs, settings.learning_rate, settings.schedule) == (6, 1.6e-2, "cosine")
    assert not settings.one_hot_labels
    assert stages(settings) == [Stage(0, 6, None)]
    assert settings.resolved() == settings


def test_gradients_are_clipped_from_scratch_alone_and_not_as_the_paper_trains():
    assert TrainingSettings().resolved().clip_norm == 1.0
    assert TrainingSettings(clip_norm=0.0).resolved().clip_norm == 0.0
    assert TrainingSettings(backbone="MobileNetV2").resolved().clip_norm == 0.0
    assert TrainingSettings(recipe="paper", weights="none").resolved().clip_norm == 0.0
    settings = TrainingSettings(image_size=16, clip_norm=0.5).resolved()
    optimizer = build_model(settings, ["a", "b"], steps_per_epoch=1).optimizer
    assert optimizer.global_clipnorm == 0.5
    free = TrainingSettings(image_size=16, clip_norm=0.0).resolved()
    assert build_model(free, ["a", "b"], steps_per_epoch=1).optimizer.global_clipnorm is None


def test_the_paper_recipe_is_the_papers_training_and_no_variant():
    settings = TrainingSettings(recipe="paper").resolved()
    assert (settings.backbone, settings.weights) == ("DenseNet201", "imagenet")
    assert (settings.image_size, settings.batch_size, settings.epochs) == (224, 32, 50)
    assert (settings.learning_rate, settings.schedule) == (1e-5, "constant")
    assert settings.variant == "residual"
    assert stages(settings) == [Stage(0, 50, None)]


def test_what_is_given_overrides_a_recipe_and_zero_switches_off():
    settings = TrainingSettings(recipe="finetune", epochs=4, ema=0, label_smoothing=0.0).resolved()
    assert (settings.epochs, settings.ema, settings.one_hot_labels) == (4, 0, False)
    assert settings.head_epochs == 1
    frozen = TrainingSettings(recipe="finetune", freeze="backbone").resolved()
    assert (frozen.head_epochs, frozen.backbone_learning_rate) == (None, None)


def test_a_recipe_freezes_the_batch_norms_of_pretrained_backbones_only():
    recipe = {"recipe": "finetune", "backbone": "MobileNetV2"}
    assert TrainingSettings(**recipe).resolved().freeze_batch_norms
    assert not TrainingSettings(**recipe, weights="none").resolved().freeze_batch_norms
    assert not TrainingSettings(**recipe, freeze_batch_norms=False).resolved().freeze_batch_norms
    asked = TrainingSettings(**recipe, weights="none", freeze_batch_norms=True).resolved()
    assert asked.freeze_batch_norms


def test_stages():
    settings = TrainingSettings(epochs=5, head_epochs=2, freeze="stem").resolved()
    head, rest = stages(settings)
    assert (head, rest) == (Stage(0, 2, "backbone"), Stage(2, 5, "stem"))
    assert [stage_after(settings, epochs) for epochs in range(6)] == [head] * 3 + [rest] * 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"recipe": "papr"}, "no recipe 'papr'.*'paper'"),
        ({"freeze": "head"}, "freeze='head'"),
        ({"schedule": "linear"}, "'cosine' or 'constant'"),
        ({"ema": 1.0}, "ema=1.0"),
        ({"source": "web"}, "source='web'"),
        ({"on_error": "ignore"}, "on_error='ignore'"),
        ({"data_dir": "x"}, "typefaces are rendered"),
        ({"label_smoothing": -0.1}, "label_smoothing=-0.1"),
        ({"mixup": 1.5}, "mixup=1.5"),
        ({"cutmix": -1.0}, "cutmix=-1.0"),
        ({"weight_decay": -1.0}, "weight_decay=-1.0"),
        ({"clip_norm": -1.0}, "clip_norm=-1.0"),
        ({"head_epochs": -1}, "head_epochs=-1"),
        ({"head_epochs": 6, "epochs": 6}, "head_epochs=6 of epochs=6"),
        ({"warmup_epochs": 6.5, "epochs": 6}, "warmup_epochs=6.5 of epochs=6"),
        ({"freeze": "backbone", "head_epochs": 1}, "Leave out one"),
        ({"freeze": "backbone", "backbone_learning_rate": 1e-3}, "Leave out one"),
        ({"backbone_learning_rate": -1.0}, "backbone_learning_rate=-1"),
        ({"backbone_learning_rate": 1.0, "learning_rate": 0.0}, "learning_rate=0"),
    ],
)
def test_settings_that_cannot_be_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainingSettings(**settings).resolved()


def test_the_method_is_rbi_unless_asked_otherwise():
    methods = [
        TrainingSettings(**given).resolved()
        for given in (
            {},
            {"rbi": False},
            {"method": "backbone"},
            {"method": "batchformer"},
            {"method": "herbs"},
            {"method": "herbs-rbi", "variant": "paper"},
            {"method": "p2p-net"},
            {"method": "p2p-net-rbi"},
        )
    ]
    assert [run.method for run in methods] == [
        "rbi", "backbone", "backbone", "batchformer", "herbs", "herbs-rbi", "p2p-net",
        "p2p-net-rbi",
    ]  # fmt: skip
    assert [run.rbi for run in methods] == [True, *[False] * 4, True, False, True]
    assert [run.resolved() for run in methods] == methods


@pytest.mark.parametrize("name", ["variant", "relation_dropout", "share_classifier"])
def test_settings_of_rbi_are_for_rbi(name):
    values = {"variant": "paper", "relation_dropout": 0.5, "share_classifier": True}
    for method in ("batchformer", "herbs", "p2p-net"):
        with pytest.raises(ValueError, match="settings of RBI"):
            TrainingSettings(method=method, **{name: values[name]}).resolved()
    if name != "variant":
        with pytest.raises(ValueError, match="settings of RBI"):
            TrainingSettings(method="p2p-net-rbi", **{name: values[name]}).resolved()


def test_build_model_knows_every_method():
    names = [f"class {number}" for number in range(5)]

    def build(**given):
        settings = TrainingSettings(image_size=16, embedding_dim=8, **given).resolved()
        return build_model(settings, names, steps_per_epoch=2)

    assert isinstance(build(method="batchformer"), BatchFormerModel)
    assert build(method="backbone").name == "backbone_alone"
    for method, kind, width in (("herbs", HERBS, 8), ("p2p-net", P2PNet, 64)):
        plain, related = build(method=method), build(method=f"{method}-rbi", variant="paper")
        assert type(plain) is type(related) is kind
        assert (plain.relations, plain.rra) == (None, None)
        assert (related.relations, related.rpe.epsilon, related.rra.units) == ("self", 1e-8, width)
    assert build(share_classifier=True).share_classifier
    assert not build(variant="paper").share_classifier
    assert build().relation_scope == "global"
    assert build(relation_scope="replica").relation_scope == "replica"


def test_a_file_called_as_weights_are_is_none_of_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("none", "imagenet", "mine.weights.h5"):
        (tmp_path / name).touch()
    given = TrainingSettings(dataset="birds", backbone="DenseNet201")
    for name in ("none", "imagenet"):
        assert dataclasses.replace(given, weights=name).resolved().weights == name
    for name in ("./none", "mine.weights.h5"):
        assert dataclasses.replace(given, weights=name).resolved().weights == str(
            (tmp_path / name).resolve()
        )
