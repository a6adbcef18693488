"""Class and patch tokens of backbones of keras_hub."""

from typing import Any

from keras_rbi.backbones.hub.library import hub_classes


def prefix_tokens(backbone: Any) -> int:
    """Number of tokens that stand before those of the patches.

    They are the class, distillation and register tokens: with them dropped, tokens of shape
    `(batch, prefix + height * width, channels)` are a map.

    Args:
        backbone: Any model.

    Returns:
        Integer, 0 for models whose tokens are all of patches and for those that give maps.
    """
    classes = hub_classes(backbone)
    if "ViTBackbone" in classes:
        return int(backbone.use_class_token)
    if "DeiTBackbone" in classes:
        return 2
    if "DINOV2Backbone" in classes or "DINOV3Backbone" in classes:
        return 1 + int(backbone.num_register_tokens)
    return int("CLIPVisionEncoder" in classes)


def has_stages(backbone: Any) -> bool:
    """Whether a model is a backbone of keras_hub that gives more than its last output.

    Args:
        backbone: Any model.

    Returns:
        Boolean: `True` where `stages` does not raise.
    """
    classes = hub_classes(backbone)
    return "SwinTransformerBackbone" in classes or (
        bool(classes) and bool(getattr(backbone, "pyramid_outputs", None))
    )


def stages(backbone: Any) -> list[Any]:
    """Outputs of a backbone's stages, fine to coarse, as symbolic tensors of its own graph.

    `keras.Model(backbone.input, stages(backbone))` computes them all.

    Args:
        backbone: A backbone of keras_hub: Swin transformers, whose stages are tokens of shape
            `(batch, height * width, channels)`, each after its patch merging; and the families
            with `pyramid_outputs`.

    Returns:
        List of symbolic tensors.

    Raises:
        ValueError: If the backbone gives its last output alone.
    """
    if "SwinTransformerBackbone" in hub_classes(backbone):
        return [stage.output for stage in backbone.stages]
    pyramid = getattr(backbone, "pyramid_outputs", None)
    if not pyramid:
        raise ValueError(
            f"{backbone.name!r} of class {type(backbone).__name__} gives its last output alone, "
            "no stages. Expected: a SwinTransformerBackbone, or a backbone of keras_hub with "
            "`pyramid_outputs` such as ResNetBackbone, DenseNetBackbone or DINOV2Backbone."
        )
    return list(pyramid.values())
