"""The transformers of keras_hub: their names, sizes and constructor arguments."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class HubBackbone:
    """A backbone of keras_hub, and what builds it without its preset.

    Args:
        name: Name of the preset in keras_hub.
        family: Name of the class in `keras_hub.models`.
        arguments: Its constructor arguments, all but the size of the images.
        image_size: Integer, side of the images it is built for by default.
        features: Integer, width of its tokens.
        parameters: Integer, number of its weights at `image_size`.
    """

    name: str
    family: str
    arguments: Mapping[str, Any]
    image_size: int
    features: int
    parameters: int

    def arguments_at(self, side: int) -> dict[str, Any]:
        """All constructor arguments for square images."""
        shapes: dict[str, Any] = {"image_shape": (side, side, 3)}
        if self.family == "DINOV2Backbone":
            # Otherwise a table of positions for 518x518 is kept beside that of the images, and
            # what is learned about positions is resampled whenever the model is saved.
            shapes["position_embedding_shape"] = (side, side)
        return {**self.arguments, **shapes, "name": self.name}


def _swin(
    size: str, image_size: int, width: int, depths: tuple[int, ...], heads: int, parameters: int
) -> HubBackbone:
    window = image_size // 32
    return HubBackbone(
        name=f"swin_{size}_patch4_window{window}_{image_size}",
        family="SwinTransformerBackbone",
        arguments={
            "embed_dim": width,
            "depths": depths,
            "num_heads": tuple(heads * 2**stage for stage in range(4)),
            "window_size": window,
        },
        image_size=image_size,
        features=width * 8,
        parameters=parameters,
    )


# Layers, heads and width of the plain transformers; their perceptrons are four times as wide.
SIZES = {
    "tiny": (12, 3, 192),
    "small": (12, 6, 384),
    "small_plus": (12, 6, 384),
    "base": (12, 12, 768),
    "large": (24, 16, 1024),
    "huge": (32, 16, 1280),
    "huge_plus": (32, 20, 1280),
    "giant": (40, 24, 1536),
    "7b": (40, 32, 4096),
}


def _plain(size: str, name_of_perceptron: str, patch_size: int) -> dict[str, Any]:
    layers, heads, width = SIZES[size]
    return {
        "patch_size": patch_size,
        "num_layers": layers,
        "num_heads": heads,
        "hidden_dim": width,
        name_of_perceptron: 2 * width if size == "7b" else 4 * width,
    }


def _vit(size: str, patch: int, image_size: int, data: str, parameters: int) -> HubBackbone:
    return HubBackbone(
        name=f"vit_{size}_patch{patch}_{image_size}_{data}",
        family="ViTBackbone",
        arguments=_plain(size, "mlp_dim", patch),
        image_size=image_size,
        features=SIZES[size][2],
        parameters=parameters,
    )


def _deit(size: str, image_size: int, parameters: int) -> HubBackbone:
    return HubBackbone(
        name=f"deit_{size}_distilled_patch16_{image_size}_imagenet",
        family="DeiTBackbone",
        arguments=_plain(size, "intermediate_dim", 16),
        image_size=image_size,
        features=SIZES[size][2],
        parameters=parameters,
    )


def _dinov2(size: str, registers: bool, parameters: int) -> HubBackbone:
    return HubBackbone(
        name=f"dinov2_{'with_registers_' if registers else ''}{size}",
        family="DINOV2Backbone",
        arguments={
            **_plain(size, "intermediate_dim", 14),
            "num_register_tokens": 4 if registers else 0,
            "antialias_in_interpolation": registers,
            "use_swiglu_ffn": size == "giant",
        },
        image_size=224,
        features=SIZES[size][2],
        parameters=parameters,
    )


def _dinov3(size: str, data: str, parameters: int) -> HubBackbone:
    gated = size in ("small_plus", "huge_plus", "7b")
    return HubBackbone(
        name=f"dinov3_vit_{size}_{data}",
        family="DINOV3Backbone",
        arguments={
            **_plain(size, "intermediate_dim", 16),
            "num_register_tokens": 4,
            "hidden_activation": "silu" if gated else "gelu",
            "use_gated_mlp": gated,
            "use_query_bias": size != "7b",
            "use_key_bias": False,
            "use_value_bias": size != "7b",
        },
        image_size=224,
        features=SIZES[size][2],
        parameters=parameters,
    )


HUB_BACKBONES: dict[str, HubBackbone] = {
    backbone.name: backbone
    for backbone in (
        _swin("tiny", 224, 96, (2, 2, 6, 2), 3, 27_519_354),
        _swin("small", 224, 96, (2, 2, 18, 2), 3, 48_837_258),
        _swin("base", 224, 128, (2, 2, 18, 2), 4, 86_743_224),
        _swin("base", 384, 128, (2, 2, 18, 2), 4, 86_878_584),
        _swin("large", 224, 192, (2, 2, 18, 2), 6, 194_995_476),
        _swin("large", 384, 192, (2, 2, 18, 2), 6, 195_198_516),
        _vit("base", 16, 224, "imagenet", 85_798_656),
        _vit("base", 16, 384, "imagenet", 86_090_496),
        _vit("base", 32, 384, "imagenet", 87_528_192),
        _vit("base", 16, 224, "imagenet21k", 85_798_656),
        _vit("base", 32, 224, "imagenet21k", 87_455_232),
        _vit("large", 16, 224, "imagenet", 303_301_632),
        _vit("large", 16, 384, "imagenet", 303_690_752),
        _vit("large", 32, 384, "imagenet", 305_607_680),
        _vit("large", 16, 224, "imagenet21k", 303_301_632),
        _vit("large", 32, 224, "imagenet21k", 305_510_400),
        _vit("huge", 14, 224, "imagenet21k", 630_764_800),
        _deit("tiny", 224, 5_524_800),
        _deit("small", 224, 21_666_432),
        _deit("base", 224, 85_800_192),
        _deit("base", 384, 86_092_032),
        _dinov2("small", False, 21_727_872),
        _dinov2("base", False, 85_923_072),
        _dinov2("large", False, 303_492_096),
        _dinov2("giant", False, 1_135_165_952),
        _dinov2("small", True, 21_729_408),
        _dinov2("base", True, 85_926_144),
        _dinov2("large", True, 303_496_192),
        _dinov2("giant", True, 1_135_172_096),
        _dinov3("small", "lvd1689m", 21_596_544),
        _dinov3("small_plus", "lvd1689m", 28_692_864),
        _dinov3("base", "lvd1689m", 85_660_416),
        _dinov3("large", "lvd1689m", 303_129_600),
        _dinov3("huge_plus", "lvd1689m", 840_592_640),
        _dinov3("7b", "lvd1689m", 6_716_035_072),
        _dinov3("large", "sat493m", 303_129_600),
        _dinov3("7b", "sat493m", 6_716_035_072),
    )
}
