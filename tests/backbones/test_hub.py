import dataclasses
import doctest
import inspect
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import keras_rbi
from keras_rbi.backbones import hub
from keras_rbi.backbones.hub import loading
from keras_rbi.backbones.hub.catalogue import HUB_BACKBONES, HubBackbone
from keras_rbi.backbones.hub.position_embeddings import resize_positions

keras_hub = pytest.importorskip("keras_hub", reason="keras_hub is not installed")

PLAIN = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8}
# One of each family, small enough to train in a test, for images of 28 pixels.
TINY = {
    "SwinTransformerBackbone": {
        "embed_dim": 4,
        "depths": (2, 2),
        "num_heads": (1, 2),
        "window_size": 7,
        "patch_size": 2,
    },
    "ViTBackbone": {**PLAIN, "patch_size": 7, "mlp_dim": 16},
    "DeiTBackbone": {**PLAIN, "patch_size": 7, "intermediate_dim": 16},
    "DINOV2Backbone": {
        **PLAIN,
        "patch_size": 7,
        "intermediate_dim": 16,
        "num_register_tokens": 2,
    },
    "DINOV3Backbone": {
        **PLAIN,
        "patch_size": 7,
        "intermediate_dim": 16,
        "num_register_tokens": 4,
        "use_key_bias": False,
    },
}
SIDE = 28
for_each_family = pytest.mark.parametrize("family", TINY)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def tiny(family, side=SIDE, **arguments):
    entry = HubBackbone("tiny", family, {**TINY[family], **arguments}, side, 8, 0)
    return getattr(keras_hub.models, family)(**entry.arguments_at(side))


@pytest.fixture
def named(monkeypatch):
    """Adds a tiny backbone of a family to the table, as `tiny`."""

    def add(family):
        entry = HubBackbone("tiny", family, TINY[family], SIDE, 8, 0)
        monkeypatch.setitem(HUB_BACKBONES, "tiny", entry)
        return entry

    return add


def pixels(side=SIDE, number=2):
    return np.random.default_rng(0).integers(0, 256, (number, side, side, 3)).astype("uint8")


def shuffle(model):
    """Gives all weights values of their own, those that start at zero or one too."""
    numbers = np.random.default_rng(1)
    model.set_weights([numbers.normal(0, 0.3, w.shape).astype("float32") for w in model.weights])
    for layer in model.layers:
        if hasattr(layer, "interpolated_position_embeddings"):
            layer.position_embeddings.assign(ops.copy(layer.interpolated_position_embeddings))


def assert_same_weights(model, other):
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# The table.


@pytest.mark.parametrize("name", HUB_BACKBONES)
def test_arguments_are_those_of_the_class(name):
    entry = HUB_BACKBONES[name]
    assert entry.name == name
    family = getattr(keras_hub.models, entry.family)
    inspect.signature(family).bind(**entry.arguments_at(entry.image_size))
    # `**kwargs` binds anything.
    assert entry.arguments_at(224).keys() <= inspect.signature(family).parameters.keys() | {"name"}


@pytest.mark.parametrize("name", HUB_BACKBONES)
def test_numbers_of_parameters_are_those_of_the_presets(name):
    entry = HUB_BACKBONES[name]
    published = getattr(keras_hub.models, entry.family).presets[name]["metadata"]["params"]
    if entry.family == "DINOV2Backbone":
        # The presets hold two tables of 37 x 37 positions and one, ours two of 16 x 16.
        published -= 2 * (37 * 37 - 16 * 16) * entry.features
    if entry.family == "DINOV3Backbone":
        # They are published in round figures.
        assert entry.parameters == pytest.approx(published, rel=0.02)
    else:
        assert entry.parameters == published


def test_every_preset_of_the_five_families_has_an_entry():
    for family in TINY:
        names = {name for name, entry in HUB_BACKBONES.items() if entry.family == family}
        assert names
        assert names <= getattr(keras_hub.models, family).presets.keys()


@pytest.mark.parametrize(
    "name", ["deit_tiny_distilled_patch16_224_imagenet", "dinov3_vit_small_lvd1689m"]
)
def test_built_backbones_are_as_the_table_says(name):
    entry = HUB_BACKBONES[name]
    backbone = hub.build(name)
    assert backbone.count_params() == entry.parameters
    assert backbone.input_shape == (None, entry.image_size, entry.image_size, 3)
    tokens = (entry.image_size // 16) ** 2 + hub.prefix_tokens(backbone)
    assert backbone.output_shape == (None, tokens, entry.features)
    assert backbone.name == name


@pytest.mark.nightly
@pytest.mark.parametrize("name", HUB_BACKBONES)
def test_all_backbones_are_as_the_table_says(name):
    entry = HUB_BACKBONES[name]
    family = getattr(keras_hub.models, entry.family)
    arguments = entry.arguments_at(entry.image_size)
    if entry.family == "SwinTransformerBackbone":
        backbone = family(**arguments)
        parameters = backbone.count_params()
    else:
        # The largest do not fit the memory of every machine, but their layers are alike.
        shallow, backbone = (family(**{**arguments, "num_layers": n}) for n in (1, 2))
        layer = backbone.count_params() - shallow.count_params()
        parameters = shallow.count_params() + layer * (arguments["num_layers"] - 1)
    assert parameters == entry.parameters
    assert backbone.output_shape[-1] == entry.features


# Images of another size.


@for_each_family
def test_the_same_weights_serve_another_size(family):
    small = tiny(family)
    shuffle(small)
    large = hub.at_image_size(small, 2 * SIDE)
    assert type(large) is type(small)
    assert large.input_shape == (None, 2 * SIDE, 2 * SIDE, 3)
    assert hub.at_image_size(small, SIDE) is small
    resized = 0
    for old, new in zip(small.get_weights(), large.get_weights(), strict=True):
        if old.shape == new.shape:
            np.testing.assert_array_equal(old, new)
        else:
            resized += 1
            assert np.std(new) > 0
    tables = {"ViTBackbone": 1, "DeiTBackbone": 1, "DINOV2Backbone": 2}
    assert resized == tables.get(family, 0)
    assert np.isfinite(large.predict(pixels(2 * SIDE), verbose=0)).all()


@pytest.mark.parametrize(("old", "new"), [(4, 7), (14, 24), (24, 14), (37, 16), (5, 5)])
@pytest.mark.parametrize("antialias", [False, True])
def test_positions_are_resized_as_pytorch_resizes_images(old, new, antialias):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    table = np.random.default_rng(0).normal(size=(1, 2 + old * old, 3)).astype("float32")
    resized = resize_positions(table, 2 + new * new, 2, antialias)
    np.testing.assert_array_equal(resized[:, :2], table[:, :2])
    grid = torch.from_numpy(table[:, 2:].reshape(1, old, old, 3).transpose(0, 3, 1, 2).copy())
    expected = torch.nn.functional.interpolate(
        grid, size=(new, new), mode="bicubic", align_corners=False, antialias=antialias
    )
    expected = expected.numpy().transpose(0, 2, 3, 1).reshape(1, new * new, 3)
    np.testing.assert_allclose(resized[:, 2:], expected, atol=1e-5)


# Weights.


@for_each_family
def test_presets_in_a_folder(family, named, tmp_path):
    named(family)
    trained = tiny(family)
    shuffle(trained)
    trained.save_to_preset(str(tmp_path))
    assert_same_weights(hub.build("tiny", tmp_path), trained)
    other = hub.build("tiny", str(tmp_path), image_size=2 * SIDE)
    assert_same_weights(other, hub.at_image_size(trained, 2 * SIDE))
    assert other.input_shape == (None, 2 * SIDE, 2 * SIDE, 3)


@for_each_family
def test_weights_in_a_file(family, named, tmp_path):
    named(family)
    file = tmp_path / "trained.weights.h5"
    trained = tiny(family)
    shuffle(trained)
    trained.save_weights(file)
    assert_same_weights(hub.build("tiny", file), trained)
    assert_same_weights(
        hub.build("tiny", file, image_size=2 * SIDE), hub.at_image_size(trained, 2 * SIDE)
    )


def test_weights_in_a_file_of_a_compiled_model(named, tmp_path):
    named("DINOV3Backbone")
    trained = tiny("DINOV3Backbone")
    trained.compile("adam", "mse")
    trained.optimizer.build(trained.trainable_variables)
    trained.save_weights(tmp_path / "trained.weights.h5")
    assert_same_weights(hub.build("tiny", tmp_path / "trained.weights.h5"), trained)


def test_unfit_weights_are_named(named, tmp_path):
    named("ViTBackbone")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.weights.h5").write_bytes(b"nothing")
    tiny("DeiTBackbone").save_to_preset(str(tmp_path / "deit"))
    tiny("ViTBackbone", num_layers=3).save_weights(tmp_path / "deep.weights.h5")
    tiny("ViTBackbone", hidden_dim=12).save_weights(tmp_path / "wide.weights.h5")
    for weights, message in (
        ("nowhere", "no file or folder"),
        ("empty", "no config.json"),
        ("broken.weights.h5", "does not hold the weights of 'tiny'"),
        ("deep.weights.h5", "does not hold the weights of 'tiny': it has 54 arrays, .* 22"),
        ("wide.weights.h5", "does not hold the weights of 'tiny'"),
        ("deit", "does not hold the weights of a ViTBackbone: .*DeiTBackbone"),
    ):
        with pytest.raises(ValueError, match=message):
            hub.build("tiny", tmp_path / weights)


def test_a_checkpoint_without_safetensors_is_told_what_to_install(named, tmp_path, monkeypatch):
    named("ViTBackbone")
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ValueError, match=r'pip install "keras-rbi\[hub\]"'):
        hub.build("tiny", tmp_path)


def test_a_folder_does_not_let_a_size_through_that_its_model_cannot_take(named, tmp_path):
    named("SwinTransformerBackbone")
    tiny("SwinTransformerBackbone", depths=(2, 2, 2), num_heads=(1, 2, 4), side=56).save_to_preset(
        str(tmp_path)
    )
    with pytest.raises(ValueError, match="multiples of 56 pixels"):
        hub.build("tiny", tmp_path, image_size=84)


def test_without_a_network_the_preset_and_its_place_are_named(monkeypatch):
    name = "vit_base_patch16_224_imagenet"
    preset = keras_hub.models.ViTBackbone.presets[name]["kaggle_handle"]

    def fail(*args, **kwargs):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(keras_hub.models.ViTBackbone, "from_preset", fail)
    with pytest.raises(ValueError, match="--weights PATH") as error:
        hub.build(name, "imagenet")
    for part in (name, preset, "no route to host", "model.weights.h5"):
        assert part in str(error.value)


def test_downloaded_presets_come_with_their_image_converter(named, monkeypatch):
    entry = named("DINOV2Backbone")
    converter = keras_hub.layers.DINOV2ImageConverter(scale=0.5, offset=[1.0, 2.0, 3.0])
    asked = []

    def from_preset(preset, **kwargs):
        asked.append(preset)
        return tiny("DINOV2Backbone", 4 * SIDE)

    monkeypatch.setattr(keras_hub.models.DINOV2Backbone, "from_preset", from_preset)
    monkeypatch.setattr(keras_hub.layers.ImageConverter, "from_preset", lambda name: converter)
    backbone = hub.build("tiny", "imagenet")
    assert asked == [entry.name]
    assert backbone.input_shape == (None, SIDE, SIDE, 3)
    assert_fed_as(backbone, converter)


def test_a_preset_whose_image_converter_cannot_be_read_is_fed_as_its_family(named, monkeypatch):
    entry = named("DINOV2Backbone")
    monkeypatch.setattr(
        keras_hub.models.DINOV2Backbone,
        "from_preset",
        lambda preset, **kwargs: tiny("DINOV2Backbone", 4 * SIDE),
    )

    def fail(name):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(keras_hub.layers.ImageConverter, "from_preset", fail)
    with pytest.warns(UserWarning, match=f"{entry.name} could not be read .no route to host"):
        backbone = hub.build("tiny", "imagenet")
    assert_fed_as(backbone, converter_for("DINOV2", *FAMILIES["DINOV2"]))


def test_channels_first_is_refused(monkeypatch):
    monkeypatch.setattr(loading.keras.config, "image_data_format", lambda: "channels_first")
    with pytest.raises(ValueError, match="channels_last"):
        hub.build("swin_tiny_patch4_window7_224")
    backbone = tiny("SwinTransformerBackbone")
    hub.check_data_format(backbone)
    backbone.data_format = "channels_first"
    with pytest.raises(ValueError, match="channels_first"):
        hub.check_data_format(backbone)


# Sizes of a user's own models.


def test_sizes_of_models_that_are_there():
    swin = tiny("SwinTransformerBackbone")
    hub.check_image_size(swin)
    hub.check_image_size(swin, 56)
    with pytest.raises(ValueError, match=r"multiples of 28 .*42 x 42 pixels.*: 28 and 56"):
        hub.check_image_size(swin, 42)
    with pytest.raises(ValueError, match="28 x 36"):
        hub.check_image_size(
            keras_hub.models.SwinTransformerBackbone(
                image_shape=(28, 36, 3), **TINY["SwinTransformerBackbone"]
            )
        )
    with pytest.raises(ValueError, match=r"multiples of 7 .*: 28 and 35"):
        hub.check_image_size(tiny("DINOV2Backbone", 30))


# How to feed them.

FAMILIES = {
    "CSPNet": IMAGENET,
    "DINOV2": IMAGENET,
    "DINOV3": IMAGENET,
    "DeiT": IMAGENET,
    "DenseNet": IMAGENET,
    "EfficientNet": IMAGENET,
    "HGNetV2": IMAGENET,
    "MiT": IMAGENET,
    "MobileNet": IMAGENET,
    "MobileNetV5": ((0, 0, 0), (1, 1, 1)),
    "ResNet": IMAGENET,
    "SwinTransformer": IMAGENET,
    "VGG": IMAGENET,
    "ViT": HALF,
    "Xception": HALF,
}


def converter_for(family, mean, deviation):
    kind = getattr(keras_hub.layers, f"{family}ImageConverter", keras_hub.layers.ImageConverter)
    return kind(
        scale=[1 / 255 / d for d in deviation],
        offset=[-m / d for m, d in zip(mean, deviation, strict=True)],
    )


def assert_fed_as(backbone, converter):
    layer = hub.preparation(backbone)
    assert layer.name == "preprocessing"
    again = type(layer).from_config(layer.get_config())
    images = pixels(5)
    expected = ops.convert_to_numpy(converter(images.astype("float32")))
    for each in (layer, again):
        np.testing.assert_allclose(ops.convert_to_numpy(each(images)), expected, atol=1e-5)


def stand_in(family, name="backbone", **attributes):
    """An instance of a class of keras_hub of which nothing is built."""
    kind = getattr(keras_hub.models, family)

    def make(self):
        keras.Model.__init__(self, name=name)

    model = type("StandIn", (kind,), {"__init__": make})()
    for key, value in attributes.items():
        setattr(model, key, value)
    return model


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_is_fed_as_its_image_converter_does(family):
    attributes = {"use_pre_activation": False} if family == "ResNet" else {}
    assert_fed_as(
        stand_in(f"{family}Backbone", **attributes), converter_for(family, *FAMILIES[family])
    )


@pytest.mark.parametrize(
    ("family", "name", "attributes", "moments"),
    [
        ("ResNet", "resnet", {"use_pre_activation": True}, HALF),
        ("EfficientNet", "efficientnet_b0_ra4_e3600_r224_imagenet", {}, HALF),
        ("MobileNet", "mobilenet_v3_large_100_imagenet_21k", {}, ((0, 0, 0), (1, 1, 1))),
        (
            "DINOV3",
            "dinov3_vit_large_sat493m",
            {},
            ((0.430, 0.411, 0.296), (0.213, 0.156, 0.143)),
        ),
    ],
)
def test_presets_unlike_their_family(family, name, attributes, moments):
    backbone = stand_in(f"{family}Backbone", name, **attributes)
    assert_fed_as(backbone, converter_for(family, *moments))


def test_towers_of_image_and_text_models():
    for family, moments in (
        ("SigLIPVisionEncoder", HALF),
        (
            "CLIPVisionEncoder",
            ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
        ),
    ):
        if hasattr(keras_hub.models, family):
            assert_fed_as(stand_in(family), converter_for(family, *moments))


def test_families_of_which_nothing_is_known():
    unknown = type("SomeBackbone", (keras_hub.models.Backbone,), {"__init__": lambda self: None})
    assert hub.is_hub_backbone(object.__new__(unknown))
    assert hub.preparation(object.__new__(unknown)) is None


def test_the_image_converter_in_a_folder_goes_before_the_family(named, tmp_path):
    named("DeiTBackbone")
    tiny("DeiTBackbone").save_to_preset(str(tmp_path))
    converter = keras_hub.layers.DeiTImageConverter(scale=[0.1, 0.2, 0.3], offset=-0.7)
    converter.save_to_preset(str(tmp_path))
    for side in (SIDE, 2 * SIDE):
        assert_fed_as(hub.build("tiny", tmp_path, side), converter)


def test_the_image_converter_stays_with_a_saved_model(named, tmp_path):
    named("DeiTBackbone")
    tiny("DeiTBackbone").save_to_preset(str(tmp_path))
    converter = keras_hub.layers.DeiTImageConverter(scale=[0.1, 0.2, 0.3], offset=-0.7)
    converter.save_to_preset(str(tmp_path))
    model = keras_rbi.RBIModel(hub.build("tiny", tmp_path, SIDE), num_classes=2, embedding_dim=4)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.get_layer("preprocessing").scale, [0.1, 0.2, 0.3])
    np.testing.assert_allclose(
        loaded.predict(pixels(), verbose=0), model.predict(pixels(), verbose=0), atol=1e-6
    )


# Tokens and stages.


def test_tokens_before_the_patches():
    for family, prefix in (
        ("SwinTransformerBackbone", 0),
        ("ViTBackbone", 1),
        ("DeiTBackbone", 2),
        ("DINOV2Backbone", 3),
        ("DINOV3Backbone", 5),
    ):
        backbone = tiny(family)
        patches = 7 * 7 if family == "SwinTransformerBackbone" else 4 * 4
        assert hub.prefix_tokens(backbone) == prefix
        assert backbone.output_shape == (None, prefix + patches, 8)
    assert hub.prefix_tokens(tiny("ViTBackbone", use_class_token=False)) == 0


def test_stages_of_swin_are_taken_after_their_patch_merging():
    backbone = tiny("SwinTransformerBackbone", depths=(2, 2, 2), num_heads=(1, 2, 4), side=56)
    keras_rbi.RBIModel(backbone, num_classes=2, preprocessing=None)
    outputs = keras.Model(backbone.input, hub.stages(backbone))(pixels(56))
    assert [tuple(x.shape) for x in outputs] == [(2, 196, 8), (2, 49, 16), (2, 49, 16)]
    last = ops.convert_to_numpy(backbone.norm(outputs[-1]))
    np.testing.assert_allclose(last, backbone.predict(pixels(56), verbose=0), atol=1e-5)


def test_stages_of_families_with_a_pyramid_go_from_fine_to_coarse():
    resnet = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64, 64],
        stackwise_num_blocks=[1, 1, 1],
        stackwise_num_strides=[1, 2, 2],
        block_type="basic_block",
        image_shape=(64, 64, 3),
    )
    assert [s.shape[1] for s in hub.stages(resnet)] == [16, 8, 4]
    densenet = keras_hub.models.DenseNetBackbone(
        stackwise_num_repeats=[1, 1, 1], image_shape=(64, 64, 3), growth_rate=4
    )
    sides = [s.shape[1] for s in hub.stages(densenet)]
    assert sides == sorted(sides, reverse=True)
    with pytest.raises(ValueError, match="ViTBackbone gives its last output alone"):
        hub.stages(tiny("ViTBackbone"))


# Inside RBIModel.


@pytest.fixture(scope="module")
def predictions(tmp_path_factory):
    """What a trained model of each family predicts, here and loaded in another process."""
    folder = tmp_path_factory.mktemp("models")
    here = {}
    for family in TINY:
        model = trained_model(family)
        model.save(folder / f"{family}.keras")
        here[family] = model.predict(pixels(), verbose=0)
    np.save(folder / "images.npy", pixels())
    code = f"""
import keras, keras_hub, keras_rbi, numpy as np
for family in {list(TINY)}:
    model = keras.saving.load_model(family + ".keras")
    np.save(family, model.predict(np.load("images.npy"), verbose=0))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr
    return {family: (here[family], np.load(folder / f"{family}.npy")) for family in TINY}


def trained_model(family):
    keras.utils.set_random_seed(0)
    backbone = tiny(family)
    model = keras_rbi.RBIModel(backbone, num_classes=3, embedding_dim=8)
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    before = backbone.get_weights()
    assert np.isfinite(model.train_on_batch(pixels(number=4), np.array([0, 1, 2, 0])))
    after = backbone.get_weights()
    changed = [np.any(a != b) for a, b in zip(before, after, strict=True)]
    assert sum(changed) > len(changed) / 2
    for _ in range(2):
        # Training goes on after a model has been saved.
        hub.settle_position_embeddings(backbone)
        model.train_on_batch(pixels(number=4), np.array([0, 1, 2, 0]))
    return model


@for_each_family
def test_models_train_and_load_in_another_process(family, predictions):
    here, elsewhere = predictions[family]
    np.testing.assert_allclose(elsewhere, here, atol=1e-6)


@pytest.mark.parametrize("sign", [-1, 1])
def test_positions_that_dinov2_has_learned_are_saved(sign, tmp_path):
    def learn(backbone):
        learned = backbone.embeddings.interpolated_position_embeddings
        step = np.abs(np.random.default_rng(0).normal(size=learned.shape)).astype("float32")
        learned.assign(learned + sign * step)
        return ops.convert_to_numpy(learned)

    backbone = tiny("DINOV2Backbone")
    learned = learn(backbone)
    hub.settle_position_embeddings(backbone)
    backbone.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        ops.convert_to_numpy(loaded.embeddings.interpolated_position_embeddings), learned
    )


def test_learned_positions_are_those_that_are_resized():
    backbone = tiny("DINOV2Backbone")
    learned = backbone.embeddings.interpolated_position_embeddings
    learned.assign(np.zeros(learned.shape, "float32"))
    large = hub.at_image_size(backbone, 2 * SIDE)
    for table in ("position_embeddings", "interpolated_position_embeddings"):
        assert not np.any(ops.convert_to_numpy(getattr(large.embeddings, table)))


def test_images_that_are_not_square_keep_their_size():
    backbone = keras_hub.models.DeiTBackbone(**TINY["DeiTBackbone"], image_shape=(28, 35, 3))
    with pytest.raises(ValueError, match=r"square images .*\(28, 35, 3\)"):
        hub.at_image_size(backbone, 28)


def test_positions_of_another_size_than_the_images_are_warned_about():
    backbone = keras_hub.models.DINOV2Backbone(
        **TINY["DINOV2Backbone"], image_shape=(28, 28, 3), position_embedding_shape=(56, 56)
    )
    with pytest.warns(UserWarning, match=r"at_image_size\(backbone, 28\)"):
        hub.settle_position_embeddings(backbone)


@pytest.mark.parametrize("name", ["build", "check_image_size", "preparation"])
def test_examples_give_what_they_show(name):
    names = {"keras": keras, "keras_rbi": keras_rbi}
    example = doctest.DocTestParser().get_doctest(
        inspect.getdoc(getattr(hub, name)), names, name, None, None
    )
    assert example.examples
    report = []
    assert doctest.DocTestRunner().run(example, out=report.append).failed == 0, "".join(report)


def test_entries_are_frozen():
    entry = HUB_BACKBONES["dinov2_small"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.image_size = 1
    assert json.dumps(dict(entry.arguments))
