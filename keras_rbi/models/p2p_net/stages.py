"""The stages of a backbone that P2P-Net looks at, of images and of their parts."""

from typing import Any

import keras
from keras import ops

from keras_rbi.backbones.feature_extractor import FeatureExtractor, image_input

STAGES = 3


def stage_maps(extractor: FeatureExtractor) -> keras.Model:
    """From prepared images to the maps of the last three stages, channels last."""
    stages = extractor.stages()[-STAGES:]
    if len(stages) < STAGES:
        raise ValueError(
            f"P2P-Net needs a backbone with {STAGES} stages or more. Received: "
            f"{extractor.backbone.name!r} with {len(stages)}. Take a Swin transformer or a network "
            "of convolutions."
        )
    maps = []
    for stage in stages:
        if len(stage.shape) == 3:
            stage = extractor.as_map(stage)
        elif extractor.data_format == "channels_first":
            stage = ops.transpose(stage, (0, 2, 3, 1))
        maps.append(stage)
    if None in maps[-1].shape[1:]:
        raise ValueError(
            "P2P-Net is for one image size, which its boxes are made for. Received: "
            f"{extractor.backbone.name!r}, which takes any. Build it with an input shape."
        )
    return keras.Model(extractor.backbone.input, maps, name="stages")


def part_stages(
    part_size: Any, stages: keras.Model, extractor: FeatureExtractor
) -> tuple[keras.Model, Any]:
    """The same layers for parts, and the height and the width of those."""
    if part_size is None:
        try:
            return _at_sides(stages, tuple(side // 2 for side in extractor.image_sides), extractor)
        except ValueError:
            return stages, extractor.image_sides
    sides = (part_size, part_size) if isinstance(part_size, int) else tuple(part_size)
    if len(sides) != 2 or not all(isinstance(side, int) and side >= 1 for side in sides):
        raise ValueError(
            "`part_size` must be a number of pixels, or height and width. Received: "
            f"part_size={part_size!r}."
        )
    return _at_sides(stages, sides, extractor)


def _at_sides(
    stages: keras.Model, sides: Any, extractor: FeatureExtractor
) -> tuple[keras.Model, Any]:
    """The same layers for images of other sides, and those."""
    if sides == extractor.image_sides:
        return stages, sides
    channels = image_input(stages).shape[1 if extractor.data_format == "channels_first" else -1]
    shape = (channels, *sides) if extractor.data_format == "channels_first" else (*sides, channels)
    inputs = keras.tree.pack_sequence_as(stages.input, [keras.Input(shape)])
    try:
        if any(len(stage.shape) == 3 for stage in extractor.stages()):
            # Their blocks know how many there are, and say so only when they are run.
            raise ValueError("Its tokens are for images of one size.")
        clone = keras.models.clone_model(stages, inputs, clone_function=lambda layer: layer)
    except Exception as error:
        raise ValueError(
            f"The backbone {extractor.backbone.name!r} cannot take parts of {sides[0]}x{sides[1]} "
            f"pixels: {error} Pass part_size={list(extractor.image_sides)}, the size of its images."
        ) from error
    return clone, sides
