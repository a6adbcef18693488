"""Backbones of keras_hub, an optional package: by name, and features and preprocessing."""

from typing import TYPE_CHECKING

from keras_rbi._lazy import lazy_package

if TYPE_CHECKING:
    from keras_rbi.backbones.hub.catalogue import HUB_BACKBONES, HubBackbone
    from keras_rbi.backbones.hub.image_size import check_data_format, check_image_size
    from keras_rbi.backbones.hub.library import is_hub_backbone
    from keras_rbi.backbones.hub.loading import build
    from keras_rbi.backbones.hub.position_embeddings import (
        at_image_size,
        settle_position_embeddings,
    )
    from keras_rbi.backbones.hub.preprocessing import preparation
    from keras_rbi.backbones.hub.tokens import has_stages, prefix_tokens, stages

__all__ = [
    "HUB_BACKBONES",
    "HubBackbone",
    "at_image_size",
    "build",
    "check_data_format",
    "check_image_size",
    "has_stages",
    "is_hub_backbone",
    "prefix_tokens",
    "preparation",
    "settle_position_embeddings",
    "stages",
]

lazy_package(__name__)
