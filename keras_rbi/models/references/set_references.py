"""Storing reference images in a model, and keeping their features up to date."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_rbi.backbones.feature_extractor import FeatureExtractor
from keras_rbi.checks import positive_integer
from keras_rbi.layers.inference_relations import InferenceRelations
from keras_rbi.models.batches import (
    batches_of,
    batches_of_arrays,
    images_of,
    labels_of,
    to_numpy,
)
from keras_rbi.models.open_classes import check_known
from keras_rbi.models.references.reference_selection import (
    CANDIDATES,
    SELECTIONS,
    confusable,
    herding,
    sample_of_each_class,
)
from keras_rbi.models.references.references import References
from keras_rbi.models.references.thumbnails import thumbnails
from keras_rbi.models.references.weights_digest import weights_digest

# Side of the thumbnails in pixels, at least: they take about the room of the features.
THUMBNAIL_SIDE = 32
BATCH_SIZE = 32


def set_references(
    model: Any,
    x: Any,
    y: Any = None,
    per_class: int = 1,
    select: str = "random",
    keep: str = "images",
    seed: int = 0,
    verbose: int = 0,
) -> None:
    """Stores images that all others can relate to, whatever batch they come in.

    With `model.relations = "references"`, which is for you to set, an image is answered as if
    itself and the references were the batch. The cost grows as batch times references. They
    are saved with the model, and replace those of an earlier call.

    Their features are those of the weights at the time. Where `keep` is `"images"`,
    `predict`, `evaluate` and their likes compute them again when the weights have changed;
    otherwise they raise an error that says so.

    Args:
        x: Images `(images, height, width, channels)` of the model's size, an array or tensor,
            with values of 0..255 (rounded to integers), or a data set of batches
            `(images, labels)`, as for `fit`. Images without labels are all taken.
        y: Labels, where `x` is an array: integers or one-hot rows. Defaults to `None`.
        per_class: Integer, references of each class; a class that has fewer images gives all.
            Defaults to `1`.
        select: `"random"`; `"herding"`, images whose features together are closest to the
            mean of their class; or `"confusable"`, images that the model is closest to taking
            for another class. The latter two choose among a random sample of each class of 32
            images, or of four times `per_class`. Defaults to `"random"`.
        keep: `"images"`, or `"features"`, which keeps features with thumbnails of at least 32
            pixels a side in place of the images. Relations are then estimated:
            `model.references.relations_error` is their mean absolute error. Defaults to
            `"images"`.
        seed: Integer, of the random choices. Defaults to `0`.
        verbose: As of `predict`: `1` shows a bar while features are computed, which for many
            images takes a while. Defaults to `0`.

    Raises:
        ValueError: If the classes are not known yet, if an argument is out of its range, if
            images or labels do not fit the model, or if its layers cannot relate to references.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.RBIModel(backbone, num_classes=5, embedding_dim=16)
    >>> images = np.random.randint(0, 256, size=(20, 32, 32, 3)).astype("uint8")
    >>> model.set_references(images, np.arange(20) % 5, per_class=2)
    >>> model.relations = "references"
    >>> model.references.num_references, model.predict(images, verbose=0).shape
    (10, (20, 5))
    """
    check_known(model)
    positive_integer("per_class", per_class)
    _check_choice("select", select, SELECTIONS)
    _check_choice("keep", keep, ("images", "features"))
    if model.rra is None:
        raise ValueError(
            f"The images of {model.name!r} do not relate, to references neither. Make the model "
            "with relations."
        )
    for layer in (model.rpe, model.rra):
        if not isinstance(layer, InferenceRelations):
            raise ValueError(
                f"The layer {layer.name!r} cannot relate images to references. Derive it from "
                "RPE or RRA."
            )
    if y is None and hasattr(x, "shape"):
        if select != "random":
            raise ValueError(f"select={select!r} needs labels. Pass `y`.")
        images, labels = _as_bytes(model, to_numpy(x)), None
    else:
        rng = np.random.default_rng(seed)
        images, labels = _chosen(model, x, y, per_class, select, rng, verbose)
    factor = 1
    if keep == "features":
        factor = _thumbnail_factor(
            model.input_shape[1:], FeatureExtractor(model.backbone).data_format
        )
    _store(model, images, labels, factor, verbose)


def update_references(model: Any) -> None:
    """Computes the references' features again if the weights behind them have changed.

    `predict`, `evaluate`, `predict_on_batch`, `test_on_batch` and `use_relations` call it where
    relations are `"references"`; do so yourself before calling the model as a function.

    Raises:
        ValueError: If the weights have changed and the images were not kept.
    """
    references = model.references
    if references is None:
        return
    digest = weights_digest(model.feature_model().weights)
    if np.array_equal(digest, ops.convert_to_numpy(references.digest)):
        return
    if not references.keeps_images:
        raise ValueError(
            "The model's weights have changed since its references were set, and of those "
            "only features were kept, which no longer fit. Call `set_references` again, or set "
            "model.relations = 'self'. With keep='images' the features are updated."
        )
    references.features.assign(_features_of(model, ops.convert_to_numpy(references.images)))
    references.digest.assign(digest)


def check_trainable(model: Any) -> None:
    """Raises a `ValueError` where training would leave references behind.

    Their features change with the weights, and images are needed to compute them again.
    """
    references = model.references
    if (
        model.relations == "references"
        and references is not None
        and not references.keeps_images
        and model.feature_model().trainable_weights
    ):
        raise ValueError(
            "Training changes the features of the references, and their images were not kept "
            "to compute them again. Set model.relations = 'self', train, and call "
            "`set_references` afterwards; or set them with keep='images'."
        )


def _chosen(
    model: Any,
    x: Any,
    y: Any,
    per_class: int,
    select: str,
    rng: np.random.Generator,
    verbose: int,
) -> tuple[np.ndarray, np.ndarray]:
    batches = (
        batches_of_arrays(x, y)
        if y is not None
        else batches_of(x, "Pass images and labels as arrays.")
    )
    pool = per_class if select == "random" else max(CANDIDATES, 4 * per_class)
    # As bytes at once: a sample of large images as floats would fill the memory.
    of_bytes = (
        (labels_of(batch), _as_bytes(model, to_numpy(images_of(batch)))) for batch in batches
    )
    sample, labels = sample_of_each_class(
        ((images, numbers) for numbers, images in of_bytes), model.num_classes, pool, rng
    )
    images = np.stack(sample)
    if select == "random":
        return images, labels
    of_features = select == "herding"
    values = (_features_of if of_features else _predictions_alone)(model, images, verbose)
    chosen = [
        members[
            herding(values[members], per_class)
            if of_features
            else confusable(values[members], label, per_class)
        ]
        for label in range(model.num_classes)
        if len(members := np.flatnonzero(labels == label))
    ]
    numbers = np.concatenate(chosen)
    return images[numbers], labels[numbers]


def _as_bytes(model: Any, images: np.ndarray) -> np.ndarray:
    """Images as uint8; those of 0..max_value are scaled to 0..255."""
    shape, limit = model.input_shape[1:], model.rpe.max_value
    if images.shape[1:] != shape or len(images) == 0:
        raise ValueError(
            f"References must be images of the model's size, (images, {str(shape)[1:]}. "
            f"Received: an array of shape {images.shape}. Resize them first, for example with "
            "keras.ops.image.resize."
        )
    if not (images.min() >= 0 and images.max() <= limit):
        raise ValueError(
            f"The pixels of references must be from 0 to {limit:g}. Received: values from "
            f"{images.min():g} to {images.max():g}."
        )
    if images.dtype == np.uint8 and limit == 255.0:
        return images
    levels = np.asarray(images, "float32")
    if limit == 255.0 and np.any((levels > 0) & (levels < 1)) and levels.max() <= 1:
        raise ValueError(
            "The references look like images of 0..1, and the model takes those of 0..255. "
            "Multiply them by 255."
        )
    return np.rint(levels * (255.0 / limit)).astype("uint8")


def _store(
    model: Any, images: np.ndarray, labels: np.ndarray | None, factor: int, verbose: int
) -> None:
    features = _features_of(model, images, verbose)
    data_format = FeatureExtractor(model.backbone).data_format
    shape = (len(images), model.input_shape[1:], features.shape[1])
    references = References(*shape, data_format=data_format, name="references")
    references.images.assign(images)
    relations = _relations_to(model, references, images)
    if factor > 1:
        references = References(*shape, factor, data_format, name="references")
        kept, details = thumbnails(images, factor, data_format)
        references.images.assign(ops.cast(ops.round(kept), "uint8"))
        assert references.details is not None
        references.details.assign(details)
        pairs = ~np.eye(len(images), dtype=bool)
        errors = np.abs(_relations_to(model, references, images) - relations)[pairs]
        references.relations_error = float(np.mean(errors)) if len(images) > 1 else 0.0
    references.labels = None if labels is None else tuple(map(int, labels))
    references.features.assign(features)
    references.relations.assign(relations)
    references.digest.assign(weights_digest(model.feature_model().weights))
    attach_references(model, references)


def attach_references(model: Any, references: References) -> None:
    """Makes references the ones that a model relates images to, and saves with itself."""
    # A list, from which Keras forgets what is taken out.
    model._reference_layers.clear()
    model._reference_layers.append(references)
    for layer in (model.rpe, model.rra):
        layer.relate_to(references)
    # Compiled functions hold the state they were traced with.
    model.train_function = model.test_function = model.predict_function = None


def _relations_to(model: Any, references: References, images: np.ndarray) -> np.ndarray:
    batches = (
        model.rpe.relations_to(_from_bytes(model, images[begin : begin + BATCH_SIZE]), references)
        for begin in range(0, len(images), BATCH_SIZE)
    )
    return np.concatenate([ops.convert_to_numpy(batch) for batch in batches])


def _features_of(model: Any, images: np.ndarray, verbose: int = 0) -> np.ndarray:
    features = model.feature_model().predict(_from_bytes(model, images), BATCH_SIZE, verbose)
    return np.asarray(model.attention_features(model.unpack(features)))


def _predictions_alone(model: Any, images: np.ndarray, verbose: int) -> np.ndarray:
    with model.use_relations("self"):
        return np.asarray(model.predict(_from_bytes(model, images), BATCH_SIZE, verbose))


def _from_bytes(model: Any, images: np.ndarray) -> np.ndarray:
    limit = model.rpe.max_value
    return images if limit == 255.0 else (images * (limit / 255.0)).astype("float32")


def _thumbnail_factor(shape: Sequence[int], data_format: str) -> int:
    sides = shape[:2] if data_format == "channels_last" else shape[1:]
    return max(2, min(sides) // THUMBNAIL_SIDE)


def _check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        known = ", ".join(map(repr, choices))
        raise ValueError(f"`{name}` must be one of {known}. Received: {name}={value!r}.")
