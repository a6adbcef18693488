"""Position embeddings of transformers, for images of another size and for saving."""

import warnings
from typing import Any

import numpy as np
from keras import ops

from keras_rbi.backbones.hub.library import hub_classes
from keras_rbi.backbones.hub.preprocessing import copy_record
from keras_rbi.backbones.hub.tokens import prefix_tokens


def at_image_size(backbone: Any, side: int) -> Any:
    """The same backbone, with the same weights, for square images of another size.

    Position embeddings of ViT, DeiT and DINOv2 are resized between their patches, bicubic, as
    the published fine-tuning of these models does.

    Args:
        backbone: A transformer of keras_hub for square images.
        side: Integer, side of the images in pixels.

    Returns:
        The backbone itself where it is for that size already, otherwise another model.

    Raises:
        ValueError: If the backbone is for images that are not square.
    """
    shapes = {
        key: tuple(getattr(backbone, key))
        for key in ("image_shape", "position_embedding_shape")
        if hasattr(backbone, key)
    }
    if all(shape[:2] == (side, side) for shape in shapes.values()):
        return backbone
    if any(shape[0] != shape[1] for shape in shapes.values()):
        raise ValueError(
            f"{backbone.name} must be built for square images to serve another size. Received: "
            f"{', '.join(f'{key}={shape}' for key, shape in shapes.items())}."
        )
    for layer in _resampling_layers(backbone):
        _settle(layer)
    config = backbone.get_config()
    config.update({key: (side, side, *shape[2:]) for key, shape in shapes.items()})
    resized = type(backbone).from_config(config)
    # Register tokens stand before the patches but have no positions.
    prefix = prefix_tokens(backbone) - getattr(backbone, "num_register_tokens", 0)
    resized.set_weights(
        [
            old
            if old.shape == tuple(new.shape)
            else resize_positions(
                old, new.shape[-2], prefix, getattr(backbone, "antialias_in_interpolation", False)
            )
            for old, new in zip(backbone.get_weights(), resized.weights, strict=True)
        ]
    )
    for layer in _resampling_layers(resized):
        layer.interpolated_position_embeddings.assign(ops.copy(layer.position_embeddings))
    copy_record(backbone, resized)
    return resized


def resize_positions(
    embeddings: np.ndarray[Any, Any], tokens: int, prefix: int, antialias: bool = False
) -> np.ndarray[Any, Any]:
    """Resizes the embeddings of a square grid of patches, bicubic.

    The backends of Keras resize bicubic in different ways; weights must not depend on them.

    Args:
        embeddings: Array of shape `(..., prefix + patches, width)`.
        tokens: Integer, number of embeddings wanted, those before the patches included.
        prefix: Integer, number of embeddings before those of the patches, which stay as they are.
        antialias: Boolean, whether to widen the kernel where the grid shrinks. Defaults to
            `False`.

    Returns:
        Array of shape `(..., tokens, width)`.
    """
    before, patches = np.split(embeddings, [prefix], axis=-2)
    old, new = round(patches.shape[-2] ** 0.5), round((tokens - prefix) ** 0.5)
    matrix = _bicubic(old, new, antialias)
    grid = patches.reshape(*patches.shape[:-2], old, old, patches.shape[-1])
    grid = np.einsum("ij,kl,...jlc->...ikc", matrix, matrix, grid, optimize=True)
    resized = grid.reshape(*patches.shape[:-2], new * new, patches.shape[-1])
    return np.concatenate([before, resized.astype(embeddings.dtype)], axis=-2)


def settle_position_embeddings(backbone: Any) -> None:
    """Makes the position embeddings that DINOv2 has learned those that it saves.

    keras_hub trains one table and saves another. It copies the first into the second only where
    their differences happen to add up to more than nothing, and resamples it where the images
    are of another size than the table, so that a model may load as another one than was saved.
    To be called before a model with this backbone is saved.

    Args:
        backbone: Any model. Nothing happens to others than DINOv2.
    """
    for layer in _resampling_layers(backbone):
        if not _settle(layer):
            warnings.warn(
                f"{backbone.name} is built for images of {layer.image_shape[0]} pixels with "
                f"position embeddings for {layer.position_embedding_shape[0]}: what it learns "
                "about positions is resampled when it is saved. To keep it, train "
                f"keras_rbi.backbones.hub.at_image_size(backbone, {layer.image_shape[0]}).",
                stacklevel=3,
            )


def _resampling_layers(backbone: Any) -> list[Any]:
    if "DINOV2Backbone" not in hub_classes(backbone):
        return []
    return [
        layer for layer in backbone.layers if hasattr(layer, "interpolated_position_embeddings")
    ]


def _settle(layer: Any) -> bool:
    learned, saved = layer.interpolated_position_embeddings, layer.position_embeddings
    if tuple(learned.shape) != tuple(saved.shape):
        return False
    # A copy: JAX cannot train two weights that are one array.
    saved.assign(ops.copy(learned))
    return True


def _bicubic(old: int, new: int, antialias: bool) -> np.ndarray[Any, Any]:
    scale = old / new
    centres = (np.arange(new)[:, None] + 0.5) * scale
    if antialias:
        matrix = _cubic((np.arange(old) + 0.5 - centres) / max(scale, 1.0), -0.5)
        return matrix / matrix.sum(axis=1, keepdims=True)
    matrix = np.zeros((new, old))
    nearest = np.floor(centres - 0.5).astype(int)
    for place in (nearest + step for step in (-1, 0, 1, 2)):
        # Beyond the edge stands the edge.
        np.add.at(
            matrix,
            (np.arange(new)[:, None], place.clip(0, old - 1)),
            _cubic(centres - 0.5 - place, -0.75),
        )
    return matrix


def _cubic(distance: np.ndarray[Any, Any], a: float) -> np.ndarray[Any, Any]:
    x = np.abs(distance)
    near = ((a + 2) * x - (a + 3)) * x**2 + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
