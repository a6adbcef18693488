"""Sizes of images that the transformers of keras_hub compute rightly."""

from collections.abc import Mapping
from typing import Any

from keras_rbi.backbones.hub.catalogue import HUB_BACKBONES
from keras_rbi.backbones.hub.library import hub_classes


def check_image_size(backbone: Any, side: int | None = None) -> None:
    """Raises an error where a transformer of keras_hub would not see the images whole.

    keras_hub computes wrong values, without a word, for a Swin transformer some stage of which
    is not cut into whole windows, and drops the pixels that do not fill a patch of DINOv2 and
    DINOv3.

    Args:
        backbone: A name of `HUB_BACKBONES`, or a model. Models other than these transformers
            take images of any size.
        side: Integer, side of the images in pixels. Defaults to `None`: the height and the width
            that the model was built for, or the default of the name.

    Raises:
        ValueError: If the size does not fit. It names the nearest sizes that do.

    Example:

    >>> keras_rbi.backbones.hub.check_image_size("swin_tiny_patch4_window7_224", 448)
    """
    if isinstance(backbone, str):
        entry = HUB_BACKBONES[backbone]
        step, reason = _step(entry.family, entry.arguments)
        name, sides = backbone, (side or entry.image_size,)
    elif (family := _transformer_of(backbone)) is not None:
        settings = {key: getattr(backbone, key, None) for key in ("patch_size", "window_size")}
        step, reason = _step(family, {**settings, "depths": getattr(backbone, "depths", ())})
        name, sides = backbone.name, (side,) * 2 if side else tuple(backbone.image_shape[:2])
    else:
        return
    for length in sides:
        if length is None or length % step or length <= 0:
            raise ValueError(
                f"{name} takes images whose sides are multiples of {step} pixels, because "
                f"{reason}. Received: {' x '.join(map(str, sides))} pixels. The nearest sizes "
                f"that work: {_nearest(length, step)}."
            )


def check_data_format(backbone: Any) -> None:
    """Raises an error for a Swin transformer built for `channels_first` images.

    Args:
        backbone: A model.

    Raises:
        ValueError: If it is one: keras_hub reads the height of its images off their channels.
    """
    if (
        "SwinTransformerBackbone" in hub_classes(backbone)
        and backbone.data_format == "channels_first"
    ):
        raise ValueError(
            f"{backbone.name} was built with data_format='channels_first', which the Swin "
            "transformer of keras_hub does not compute. Build it with "
            "data_format='channels_last' and image_shape=(height, width, 3)."
        )


def _transformer_of(backbone: Any) -> str | None:
    families = {entry.family for entry in HUB_BACKBONES.values()}
    return next((name for name in hub_classes(backbone) if name in families), None)


def _step(family: str, arguments: Mapping[str, Any]) -> tuple[int, str]:
    patch = arguments.get("patch_size") or 4
    if not isinstance(patch, int):
        patch = max(patch)
    if family != "SwinTransformerBackbone":
        return patch, f"it cuts them into patches of {patch} x {patch}"
    window, stages = arguments["window_size"], len(arguments["depths"])
    return patch * window * 2 ** (stages - 1), (
        f"each of its {stages} stages, the first of {patch} x {patch} pixels a token and each "
        f"later one of twice that, is cut into windows of {window} x {window} tokens"
    )


def _nearest(length: int | None, step: int) -> str:
    below = (length or 0) // step * step
    return f"{below} and {below + step}" if below > 0 else str(step)
