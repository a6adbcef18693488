"""What the images of a batch do to each other, or that they do nothing."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_rbi.evaluation.classification_scores import probabilities_of
from keras_rbi.explanations.grad_cam import grad_cam
from keras_rbi.explanations.image_batch import ImageBatch
from keras_rbi.explanations.influence import influence
from keras_rbi.explanations.relation_matrix import relation_matrix
from keras_rbi.figures.embedding_map import embedding_map
from keras_rbi.figures.html_report import Section, Table
from keras_rbi.figures.integration_flow import integration_flow
from keras_rbi.figures.plot_cams import plot_cams
from keras_rbi.figures.plot_influence import plot_influence
from keras_rbi.figures.plot_relation_matrix import plot_relation_matrix
from keras_rbi.models.batch_attention import batch_attention
from keras_rbi.models.head_activation import head_activation
from keras_rbi.models.keras_classifier import classifier_of

# A change of a probability, and of a score, that is shown as none.
LEAST_CHANGE, LEAST_EFFECT = 5e-4, 5e-3

Progress = Callable[[str, int, int], None]


def attention_section(
    model: keras.Model,
    class_names: list[str],
    batch: ImageBatch,
    method: str,
    every: ImageBatch | None = None,
    progress: Progress = lambda *_: None,
) -> Section:
    """What attention does in one batch: folded away, or a sentence where it does nothing.

    Args:
        model: The model.
        class_names: Names of its classes.
        batch: The images. Two or more show how they relate.
        method: As in `grad_cam`.
        every: More images, whose features are drawn before and after attention. Defaults to
            `None`, none.
        progress: Called with what is being made, and two zeros. Defaults to nothing.

    Returns:
        A section, with others in it where there is something to show.
    """
    asked = classifier_of(model)
    related = asked.has_attention and len(batch) > 1
    modes = {}
    if asked.references is not None:
        modes["beside the references"] = "references"
    if related:
        modes["in this batch"] = "batch"
    if not modes:
        return _nothing(_why_none(asked))
    predictions = {"alone": predicted(model, batch.pixels, "self")}
    predictions |= {name: predicted(model, batch.pixels, mode) for name, mode in modes.items()}
    if asked.has_attention:
        change = _change(model, batch.pixels, predictions)
        if change < LEAST_CHANGE:
            return _nothing(
                "The model has attention, and it changes nothing in these photographs: with and "
                f"without it no probability differs by as much as {100 * LEAST_CHANGE:g} points "
                f"({_gate(model, batch.pixels, next(iter(modes.values())))})."
            )
    final = list(predictions.values())[-1]
    progress("maps with and without attention", 0, 0)
    sections = [
        Section(
            "predictions",
            "Predictions",
            "The likeliest class of each image and its probability: of the image by itself, and of "
            "where it relates to others.",
            tables=[_predictions(batch, predictions, class_names)],
        ),
        _cams(model, class_names, batch, final, method, modes),
    ]
    if related:
        sections += _of_batch(model, class_names, batch, predictions, method, progress)
    if every is not None:
        sections += _embedding(model, class_names, every)
    return Section(
        "attention",
        "How the images relate to each other",
        f"{len(batch)} image{'s' * (len(batch) > 1)}, explained as one batch.",
        sections=sections,
    )


def predicted(model: keras.Model, pixels: np.ndarray, relations: str | None) -> np.ndarray:
    """Probabilities of images as one batch.

    Args:
        model: The model.
        pixels: Array `(batch, height, width, 3)`.
        relations: What they relate to, or `None` for the model's own mode.
    """
    with classifier_of(model).use_relations(relations):
        outputs = np.asarray(model.predict_on_batch(pixels))
    return probabilities_of(outputs, head_activation(model))


def _nothing(why: str) -> Section:
    return Section("attention", "How the images relate to each other", why)


def _gate(model: keras.Model, pixels: np.ndarray, mode: str) -> str:
    """What of attention is let through."""
    scale = getattr(classifier_of(model).integration, "scale", None)
    if scale is not None and not np.any(ops.convert_to_numpy(scale)):
        return "the gate of its branch is shut"
    return f"mean beta {float(batch_attention(model, pixels, mode).beta.mean()):.2f}"


def _why_none(asked: Any) -> str:
    if asked.relations is None:
        return "They do not: the model looks at each image by itself."
    if not asked.has_attention:
        return "They do, by layers that this page cannot look into."
    return "One image relates to no other. Name a folder with several to see how they do."


def _change(model: keras.Model, pixels: np.ndarray, predictions: Mapping[str, np.ndarray]) -> float:
    """How much attention changes any probability, in any way that images relate."""
    asked = classifier_of(model)
    features = ops.convert_to_tensor(asked.feature_model().predict_on_batch(pixels))
    plain = asked.classify(asked.without_attention(asked.unpack(features)), training=False)
    without = probabilities_of(np.asarray(ops.convert_to_numpy(plain)), head_activation(model))
    return max(float(np.abs(each - without).max()) for each in predictions.values())


def _predictions(
    batch: ImageBatch, predictions: dict[str, np.ndarray], class_names: list[str]
) -> Table:
    any_label = bool((batch.labels >= 0).any())
    header = ["", "image", *(["true class"] if any_label else []), *predictions]
    rows = []
    for number, name in enumerate(batch.names):
        row = [str(number), name]
        if any_label:
            label = int(batch.labels[number])
            row.append(class_names[label] if label >= 0 else "not known")
        for values in predictions.values():
            best = int(values[number].argmax())
            row.append(f"{class_names[best]}, {100 * values[number, best]:.1f}\u00a0%")
        rows.append(row)
    return Table(rows, header)


def _cams(
    model: keras.Model,
    class_names: list[str],
    batch: ImageBatch,
    probabilities: np.ndarray,
    method: str,
    modes: dict[str, str],
) -> Section:
    classes = probabilities.argmax(-1)
    names = [
        f"image {number}\n{class_names[label]}\n{100 * row.max():.0f} %"
        for number, (label, row) in enumerate(zip(classes, probabilities, strict=True))
    ]
    combined = modes if len(modes) > 1 else {"combined": next(iter(modes.values()))}
    maps = {
        "backbone alone": grad_cam(model, batch.pixels, classes, of="backbone", method=method),
        **{
            name: grad_cam(model, batch.pixels, classes, method=method, relations=mode)
            for name, mode in combined.items()
        },
    }
    text = (
        "Bright pixels speak for the class above the image; each map is scaled by itself. In the "
        "uppermost maps the head sees the backbone's own features and nothing of the attention "
        "(beta = 1), below them the prediction as it is"
        + (", first beside the references and then in this batch" if len(modes) > 1 else "")
        + ". Each is of the image's own score."
    )
    figure = plot_cams(batch.pixels, maps, names)
    return Section("cams", "Where the evidence lies", text, figure)


def _of_batch(
    model: keras.Model,
    class_names: list[str],
    batch: ImageBatch,
    predictions: dict[str, np.ndarray],
    method: str,
    progress: Progress,
) -> list[Section]:
    progress("relations and influence", 0, 0)
    matrix = relation_matrix(model, batch.pixels)
    return [
        Section(
            "flow",
            "How the batch is integrated",
            "From left to right: the images, where the backbone's own features see the predicted "
            "class, those features, the attention that mixes them, the mixed features, and where "
            "the evidence lies in the end. Each strip of features is drawn in standard deviations "
            "from the batch's mean: strips that look alike are alike."
            + (
                ""
                if model.relations == "batch"
                else " Here and below images relate to this batch, though the model itself "
                f'predicts with relations "{model.relations}".'
            ),
            integration_flow(model, batch.pixels, class_names, method),
        ),
        Section(
            "relations",
            "Who relates to whom",
            "A column is the image whose features are made, a row the image looked at. S compares "
            "pixels, 1 is an image with itself. A is how much weight each row has in a column; "
            "columns of the same number everywhere mean that attention does not choose. Diagonal "
            "dominance is 1 where images see themselves alone and 0 where they see all the same; "
            "asymmetry is 0 where both images of a pair weigh the same in each other.",
            plot_relation_matrix(matrix, batch.pixels),
            [_matrix_numbers(matrix.numbers())],
        ),
        _influence(model, class_names, batch, predictions, method),
    ]


def _influence(
    model: keras.Model,
    class_names: list[str],
    batch: ImageBatch,
    predictions: dict[str, np.ndarray],
    method: str,
) -> Section:
    moved = np.abs(predictions["in this batch"] - predictions["alone"]).max(-1)
    target = int(moved.argmax())
    found = influence(model, batch.pixels, target, min(3, len(moved) - 1), method=method)
    name, heading = "influence", "What the other images do to one"
    if np.nanmax(np.abs(found.effects)) < LEAST_EFFECT:
        text = (
            "Nothing: no image of this batch moves the score of another by as much as "
            f"{LEAST_EFFECT:g}, so that no part of it speaks for or against its class."
        )
        return Section(name, heading, text)
    return Section(
        name,
        heading,
        f"Of all images, the prediction for image {target} is moved most by the others. Its score, "
        "a logit, is compared with the score without each of them; of those that matter most, the "
        "pixels are drawn that speak for the class in that score, or against it. An image that "
        "speaks for it can lower the score all the same, by the weight that it takes from others. "
        "Effects near 0 mean that the batch hardly matters.",
        plot_influence(found, batch.pixels, class_names),
    )


def _embedding(model: keras.Model, class_names: list[str], images: ImageBatch) -> list[Section]:
    known = images.labels >= 0
    if not classifier_of(model).has_attention or len(np.unique(images.labels[known])) < 2:
        return []
    return [
        Section(
            "embedding",
            "Features before and after attention",
            f"Each mark is one of {int(known.sum())} images, its place the first two principal "
            "components of its features. Silhouette is 1 where classes are far apart and 0 where "
            "they overlap; kNN purity is the share of an image's nearest neighbours that are of "
            "its class. Both are measured in all dimensions.",
            embedding_map(model, images.pixels[known], images.labels[known], class_names),
        )
    ]


def _matrix_numbers(numbers: dict[str, dict[str, float]]) -> Table:
    names = {
        "relations": "relations S",
        "attention_without_rpe": "attention A without RPE",
        "attention": "attention A with RPE",
    }
    return Table(
        [
            (label, *(f"{numbers[key][number]:.3f}" for number in numbers[key]))
            for key, label in names.items()
        ],
        ("matrix", "diagonal dominance", "asymmetry"),
    )
