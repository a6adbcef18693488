import numpy as np
import pytest

from keras_rbi import backbones


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
