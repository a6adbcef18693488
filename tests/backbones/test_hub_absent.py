"""keras_hub is optional: nothing imports it before it is needed."""

import subprocess
import sys
import textwrap

import keras
import pytest

from keras_rbi.backbones import hub


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_is_imported_before_a_backbone_is_built():
    run(
        """
        import sys
        from keras_rbi.backbones import SmallCNN, hub

        backbone = SmallCNN((16, 16, 3))
        hub.is_hub_backbone(backbone), hub.preparation(backbone), hub.prefix_tokens(backbone)
        hub.check_image_size("swin_tiny_patch4_window7_224", 448)
        assert "keras_hub" not in sys.modules
        """
    )


def test_a_missing_package_is_named_with_what_installs_it():
    message = run(
        """
        import sys
        sys.modules["keras_hub"] = None
        from keras_rbi.backbones import hub

        try:
            hub.build("swin_tiny_patch4_window7_224")
        except ValueError as error:
            print(error)
        """
    )
    assert 'pip install "keras-rbi[hub]"' in message


def test_other_models_are_not_of_keras_hub():
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    for thing in (model, object(), None):
        assert not hub.is_hub_backbone(thing)
        assert hub.preparation(thing) is None
        assert hub.prefix_tokens(thing) == 0
    hub.check_image_size(model, 17)
    hub.check_data_format(model)
    hub.settle_position_embeddings(model)


@pytest.mark.parametrize(
    ("name", "wrong", "expected"),
    [
        ("swin_tiny_patch4_window7_224", 256, "multiples of 224 .* that work: 224 and 448"),
        ("swin_base_patch4_window12_384", 224, "multiples of 384 .* that work: 384"),
        ("swin_large_patch4_window7_224", -224, "multiples of 224"),
        ("vit_base_patch16_224_imagenet", 250, "multiples of 16 .* that work: 240 and 256"),
        ("vit_base_patch32_384_imagenet", 31, "multiples of 32 .* that work: 32"),
        ("deit_tiny_distilled_patch16_224_imagenet", 225, "224 and 240"),
        ("dinov2_small", 256, "multiples of 14 .* that work: 252 and 266"),
        ("dinov3_vit_small_lvd1689m", 518, "512 and 528"),
    ],
)
def test_sizes_that_do_not_fit_are_named(name, wrong, expected):
    with pytest.raises(ValueError, match=expected):
        hub.check_image_size(name, wrong)
    hub.check_image_size(name)


def test_an_unknown_name_gets_the_known_ones():
    with pytest.raises(ValueError, match="dinov2_small"):
        hub.build("dinov9")
