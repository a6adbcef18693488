import keras
import numpy as np
import pytest

from keras_rbi import backbones
from keras_rbi.backbones import applications
from keras_rbi.backbones.applications_table import known


def test_small_cnn_halves_the_sides_in_each_block():
    backbone = backbones.SmallCNN((48, 32, 3), widths=(4, 6))
    assert backbone.output_shape == (None, 12, 8, 6)
    with pytest.raises(ValueError, match="16x16"):
        backbones.SmallCNN((8, 64, 3))


def test_names_do_not_depend_on_case():
    assert backbones.get("smallcnn", image_size=32).name == "small_cnn"
    assert backbones.get("mobilenetv2", image_size=32).input_shape == (None, 32, 32, 3)


def test_a_typo_gets_the_nearest_names():
    with pytest.raises(ValueError, match="DenseNet201 or"):
        backbones.get("DensNet201")


def test_a_size_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match="20x20"):
        backbones.get("ResNet50", image_size=20)


def test_weights_of_a_file(tmp_path):
    trained = backbones.get("SmallCNN", image_size=32)
    file = tmp_path / "small.weights.h5"
    trained.save_weights(file)
    loaded = backbones.get("SmallCNN", weights=file, image_size=32)
    for a, b in zip(trained.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_unfit_weights_are_named(tmp_path):
    broken = tmp_path / "broken.weights.h5"
    broken.write_bytes(b"nothing")
    for weights, message in (
        (tmp_path / "none.weights.h5", "no file"),
        (broken, "does not hold"),
        ("imagenet", "no ImageNet weights"),
    ):
        with pytest.raises(ValueError, match=message):
            backbones.get("SmallCNN", weights=weights, image_size=32)


def test_the_catalogue_lists_every_application_once():
    infos = backbones.available()
    names = [info.name.lower() for info in infos]
    assert len(set(names)) == len(names)
    by_name = {info.name: info for info in infos}
    for name in applications.constructors():
        info = by_name[name]
        assert info.source == "keras.applications"
        assert info.needs_network
        assert info.parameters
        assert info.features


@pytest.mark.parametrize(
    "name",
    [
        "SmallCNN",
        "MobileNetV3Small",
        *(
            pytest.param(name, marks=pytest.mark.nightly)
            for name in sorted(set(known()) - {"MobileNetV3Small"})
        ),
    ],
)
def test_the_catalogue_counts_right(name):
    if name == "NASNetMobile" and keras.backend.backend() == "torch":
        pytest.skip("keras.applications does not build NASNetMobile on PyTorch")
    info = next(info for info in backbones.available() if info.name == name)
    backbone = backbones.get(name)
    assert backbone.input_shape[1:3] == (info.image_size, info.image_size)
    assert backbone.count_params() == info.parameters
    assert backbone.output_shape[-1] == info.features


def test_no_image_size_below_one():
    with pytest.raises(ValueError, match=r"positive.*0"):
        backbones.get("SmallCNN", image_size=0)


def test_without_a_network_the_file_and_its_place_are_named(monkeypatch):
    def no_network(**_):
        # As keras.utils.get_file says it.
        raise Exception(
            "URL fetch failure on https://example.org/densenet/densenet121_notop.h5: None -- "
            "[Errno -2] Name or service not known"
        )

    monkeypatch.setenv("KERAS_HOME", "/elsewhere/keras")
    monkeypatch.setattr(applications, "constructors", lambda: {"DenseNet121": no_network})
    with pytest.raises(ValueError, match="--weights PATH") as caught:
        applications.build("DenseNet121", "imagenet", 224)
    message = str(caught.value)
    assert "put densenet121_notop.h5 into /elsewhere/keras/models" in message
    assert "--weights none" in message
