"""New classes for a trained model, without training its backbone: the method `add_classes`."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_rbi.models.batches import to_numpy
from keras_rbi.models.check_images import check_shape
from keras_rbi.models.new_rows import Head, Known, hold_back, imprinted, judged, rows_of, shifted
from keras_rbi.models.open_classes import check_known
from keras_rbi.models.pixel_range import are_arrays, warn_of_unit_range

BATCH = 32
# Without held-out images to find it on.
RESTRAINT = 0.01
ALLOWED_LOSS = 0.01


def add_classes(
    model: Any,
    images: Any,
    labels: Any,
    class_names: Sequence[str] | None = None,
    known: tuple[Any, Any] | None = None,
    held_out: tuple[Any, Any] | None = None,
    refit: bool = False,
    allowed_loss: float = ALLOWED_LOSS,
    seed: int = 0,
) -> Any:
    """A model that knows new classes too, from a few images of each.

    The classifier gets a row for each new class; all other weights are those of this model, which
    stays as it is. Rows are first imprinted, the mean features of a class, and then fitted to
    images of all classes, in seconds; the old classes' rows stay as they are, to the bit.

    Args:
        images: Images of the new classes, `(images, height, width, 3)`.
        labels: Their classes: integers from 0 among the new ones.
        class_names: Names of the new classes. Defaults to `None`; a model that knows the names of
            its classes needs them.
        known: Images and labels of the old classes, such as some that the model was trained on.
            Without them rows are imprinted and no more. Defaults to `None`.
        held_out: Images and labels of the old classes that the model was not trained on, such as
            the validation images. On them it is found how far new rows are held back. Defaults to
            `None`.
        refit: Boolean, whether the old classes' rows are fitted too. Defaults to `False`.
        allowed_loss: Float, share of `held_out` that new classes may take. More of it makes new
            classes better, at the cost of the old. Defaults to `0.01`.
        seed: Integer, of folds of the new images. Defaults to `0`.

    Returns:
        The new model, of the same class, not compiled. The new classes come after the old.

    Raises:
        ValueError: If the model has several classifiers, references, no classes yet, or layers
            that are quantized or have LoRA, if images, labels or names are unfit, or if `held_out`
            or `refit` come without `known`.

    Example:

    >>> backbone = keras_rbi.backbones.SmallCNN((16, 16, 3))
    >>> model = keras_rbi.RBIModel(backbone, class_names=["wren", "robin"])
    >>> photographs = np.random.randint(0, 256, (4, 16, 16, 3)).astype("uint8")
    >>> more = model.add_classes(photographs, [0, 0, 1, 1], ["owl", "jay"])
    >>> more.class_names, more.predict(photographs, verbose=0).shape
    (['wren', 'robin', 'owl', 'jay'], (4, 4))

    Reference:
        [Qi et al., 2018](https://arxiv.org/abs/1712.07136), imprinted weights.
    """
    check_can_add(model)
    new_labels = _labels(labels, len(images))
    names = _names(model, new_labels, class_names)
    if known is None and (held_out is not None or refit):
        raise ValueError(
            "`held_out` and `refit` are for rows that are fitted, which takes images of the old "
            "classes. Received: known=None. Pass `known`, or leave them out."
        )
    old = head_of(model)
    new = Known(classified_features(model, images, seed), new_labels)
    if known is None:
        whole = old.beside(imprinted(old, new))
    else:
        of_old = _known(model, known, seed)
        restraint, shift = RESTRAINT, 0.0
        if held_out is not None:
            unseen = _known(model, held_out, seed)
            found = judged(old, new, of_old, unseen, seed, refit)
            held = hold_back(found, old.logits(unseen.features), unseen.labels, allowed_loss)
            restraint, shift = held.restraint, held.shift
        whole = shifted(rows_of(old, new, of_old, restraint, refit), len(old.bias), shift)
    return with_head(model, whole, len(old.bias) + int(new_labels.max()) + 1, names, refit)


def check_can_add(model: Any) -> None:
    """Refuses a model that cannot be given classes.

    Raises:
        ValueError: If it has several classifiers, references, no classes yet, or layers that are
            quantized or have LoRA.
    """
    check_known(model)
    if not model.ends_in_one_classifier:
        raise ValueError(
            f"Classes can be added to a model that ends in one Dense layer, such as RBIModel or "
            f"BackboneClassifier. Received: a {type(model).__name__}, which has several "
            "classifiers. Train it with all classes."
        )
    if model.references is not None:
        raise ValueError(
            "The model has references, which would lack the new classes. Load it anew without "
            "them, add the classes, and call `set_references` on what that gives."
        )
    for layer in model._flatten_layers(include_self=False):
        if getattr(layer, "lora_enabled", False):
            raise ValueError(
                "Classes cannot be added to a model whose layers have LoRA. Received: "
                f"{layer.name!r} with LoRA. Save the model and load it, which merges it into "
                "the weights."
            )
        if getattr(layer, "quantization_mode", None) is not None:
            raise ValueError(
                "Classes cannot be added to a model that is quantized. Received: "
                f"{layer.name!r} in {layer.quantization_mode}. Add them before, and quantize what "
                "that gives."
            )


def classified_features(model: Any, images: Any, seed: int = 0) -> np.ndarray:
    """What the classifier of a model takes for images, in the relations that it is in.

    Args:
        model: A model that ends in one classifier.
        images: Array `(images, height, width, 3)`.
        seed: Integer, of the order in which images come into batches: where they relate within
            these, images of one class are not to be among themselves. Defaults to `0`.

    Returns:
        float64 array of shape `(images, features)`.
    """
    network = keras.Model(model.input, model.classifier.input)
    if are_arrays(images):
        max_value = getattr(model.rpe, "max_value", 255.0)
        warn_of_unit_range(images, max_value)
    # Whatever gives some of its rows: images need not be in memory.
    images = images if hasattr(images, "shape") else np.asarray(images)
    order = np.random.default_rng(seed).permutation(len(images))
    found = None
    for begin in range(0, len(order), BATCH):
        rows = order[begin : begin + BATCH]
        batch = to_numpy(images[rows])
        check_shape(batch.shape, model.input.shape)
        if batch.dtype.kind == "f":
            # As the model does when it predicts.
            batch = np.where(np.isfinite(batch), batch, 0).astype(batch.dtype)
        some = np.asarray(network.predict_on_batch(batch), "float64")
        found = np.empty((len(order), some.shape[1])) if found is None else found
        found[rows] = some
    if found is None:
        raise ValueError("There is no image. Pass some of each class.")
    return found


def with_head(
    model: Any, head: Head, count: int, class_names: Sequence[str] | None, refit: bool
) -> Any:
    """A model of the same weights with another classifier, of more classes."""
    config = {**model.get_config(), "num_classes": count, "class_names": class_names}
    made = type(model).from_config(config)
    classifier = [id(weight) for weight in made.classifier.weights]
    for new, old in zip(made.weights, model.weights, strict=True):
        if id(new) not in classifier:
            # A copy: on JAX, what one model is called with is taken from all that share it.
            new.assign(np.array(keras.ops.convert_to_numpy(old)))
    kernel, bias = head.kernel.astype("float32"), head.bias.astype("float32")
    if not refit:
        for rows, own in zip((kernel.T, bias), model.classifier.get_weights(), strict=True):
            rows[: own.shape[-1]] = own.T
    made.classifier.set_weights([kernel, bias])
    return made


def head_of(model: Any) -> Head:
    """The weights of a model's classifier."""
    kernel, bias = model.classifier.get_weights()
    return Head(kernel.astype("float64"), bias.astype("float64"))


def _known(model: Any, given: tuple[Any, Any], seed: int) -> Known:
    images, labels = given
    found = _labels(labels, len(images))
    if int(found.max()) >= model.num_classes:
        raise ValueError(
            f"Labels of old classes are from 0 to {model.num_classes - 1}. Received: "
            f"{int(found.max())}."
        )
    return Known(classified_features(model, images, seed), found)


def _labels(labels: Any, count: int) -> np.ndarray:
    found = np.asarray(labels)
    if found.shape != (count,) or not count or found.dtype.kind not in "iu" or found.min() < 0:
        raise ValueError(
            "There must be one integer label, from 0 on, for each image, and one image at least. "
            f"Received: labels of shape {found.shape} and dtype {found.dtype} for {count} images."
        )
    return found.astype(np.int64)


def _names(model: Any, labels: np.ndarray, class_names: Sequence[str] | None) -> list[str] | None:
    """The names of all classes, or `None` where those of the old are not known."""
    count = int(labels.max()) + 1
    if lacking := sorted(set(range(count)) - set(labels.tolist())):
        raise ValueError(
            f"Every new class needs an image. Received: none with the label {lacking[0]}."
        )
    if class_names is None and model.class_names is None:
        return None
    if class_names is None or model.class_names is None or len(class_names) != count:
        raise ValueError(
            f"`class_names` must name the {count} new classes of a model that knows the names of "
            f"its own, and of no other. Received: class_names={class_names!r}."
        )
    names = [str(name) for name in class_names]
    if again := sorted(set(names) & set(model.class_names)) or len(set(names)) < count:
        raise ValueError(
            f"New classes must have names of their own. Received: {names}"
            + (f", of which the model knows {', '.join(again)}." if again is not True else ".")
        )
    return [*model.class_names, *names]
