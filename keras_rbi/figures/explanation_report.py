"""HTML report of what a model looks at in images, and of what they do to each other."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_rbi.evaluation.classification_scores import probabilities_of
from keras_rbi.explanations.grad_cam import grad_cam
from keras_rbi.explanations.image_batch import ImageBatch
from keras_rbi.explanations.influence import influence
from keras_rbi.explanations.methods import check_method
from keras_rbi.explanations.relation_matrix import relation_matrix
from keras_rbi.figures.contact_sheet import evenly
from keras_rbi.figures.embedding_map import embedding_map
from keras_rbi.figures.html_report import HtmlReport, Section, Table, facts
from keras_rbi.figures.integration_flow import integration_flow
from keras_rbi.figures.plot_cams import plot_cams
from keras_rbi.figures.plot_influence import plot_influence
from keras_rbi.figures.plot_parts import plot_parts
from keras_rbi.figures.plot_relation_matrix import plot_relation_matrix
from keras_rbi.models.head_activation import head_activation
from keras_rbi.models.keras_classifier import classifier_of

Progress = Callable[[str, int, int], None]


def explanation_report(
    model: keras.Model,
    images: ImageBatch,
    class_names: list[str],
    batch_size: int = 8,
    method: str = "grad_cam",
    *,
    model_name: str = "model",
    images_name: str = "images",
    metrics: Mapping[str, Any] | None = None,
    progress: Progress = lambda *_: None,
) -> HtmlReport:
    """Reports what a model looks at in images, and what they do to each other.

    Args:
        model: The model.
        images: The images. With more than `batch_size`, some are explained, at even distances; the
            map of features shows them all.
        class_names: Names of the model's classes.
        batch_size: How many images to explain, as one batch. Defaults to `8`.
        method: As in `grad_cam`. Defaults to `"grad_cam"`.
        model_name: What to call the model. Defaults to `"model"`.
        images_name: What to call the images. Defaults to `"images"`.
        metrics: The content of the run's `metrics.json`, if there is one. Defaults to `None`.
        progress: Called with what is being made, and the numbers of done and of all such things,
            0 where that is not known. Defaults to nothing.

    Returns:
        The report, whose `html()` is to be written to a file.

    Raises:
        ValueError: If there is no such method.

    Example:

    >>> from keras_rbi.explanations.image_batch import ImageBatch
    >>> backbone = keras_rbi.backbones.SmallCNN((16, 16, 3))
    >>> model = keras_rbi.models.backbone_classifier(backbone, 2)
    >>> pixels = np.zeros((3, 16, 16, 3), "uint8")
    >>> images = ImageBatch(["a.png", "b.png", "c.png"], pixels, np.array([0, 1, -1]))
    >>> report = keras_rbi.figures.explanation_report(model, images, ["wren", "robin"])
    >>> [section.name for section in report.sections]
    ['run', 'predictions', 'cams']
    """
    check_method(method)
    batch = images.at(evenly(np.arange(len(images)), batch_size))
    count = f"{len(batch)} image" + ("s" if len(batch) > 1 else "")
    return HtmlReport(
        f"What {Path(model_name).absolute().name} sees in {images_name}",
        f"{count} of {len(images)}, explained as one batch.",
        [
            run_facts(model_name, model, metrics or {}),
            *explanation(model, class_names, batch, method, progress),
            *embedding_section(model, class_names, images),
        ],
    )


def explanation(
    model: keras.Model,
    class_names: list[str],
    batch: ImageBatch,
    method: str,
    progress: Progress = lambda *_: None,
) -> list[Section]:
    """Explains a model's predictions for one batch.

    Args:
        model: The model.
        class_names: Names of its classes.
        batch: The images. Two or more show how they relate.
        method: As in `grad_cam`.
        progress: As in `explanation_report`.

    Returns:
        The sections of the report that explain the batch.
    """
    asked = classifier_of(model)
    related = asked.has_attention and len(batch.names) > 1
    modes = {}
    if asked.references is not None:
        modes["beside the references"] = "references"
    if related:
        modes["in this batch"] = "batch"
    progress("predictions", 0, 0)
    predictions = {"alone" if modes else "prediction": _predict(model, batch.pixels, "self")}
    predictions |= {name: _predict(model, batch.pixels, mode) for name, mode in modes.items()}
    final = list(predictions.values())[-1]
    classes = final.argmax(-1)
    sections = [
        Section(
            "predictions",
            "Predictions",
            "The likeliest class of each image and its probability"
            + (": of the image by itself, and of where it relates to others." if modes else "."),
            tables=[_predictions(batch, predictions, class_names)],
        )
    ]
    progress("class activation maps", 0, 0)
    sections.append(_cams(model, class_names, batch, classes, final, method, modes))
    if asked.proposes_parts:
        sections.append(_parts(model, batch))
    if not related:
        return sections
    progress("relations and influence", 0, 0)
    matrix = relation_matrix(model, batch.pixels)
    sections += [
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
    return sections


def embedding_section(
    model: keras.Model, class_names: list[str], images: ImageBatch
) -> list[Section]:
    """The features of all images whose class is known, where that says something.

    Args:
        model: The model.
        class_names: Names of its classes.
        images: All images.

    Returns:
        A section, or none: for a model without relations, or fewer than two classes with images.
    """
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


def run_facts(path: str, model: keras.Model, metrics: Mapping[str, Any]) -> Section:
    """What is known of the run.

    Args:
        path: The run's folder or the model's file.
        model: The model.
        metrics: The content of its `metrics.json`, empty where there is none.

    Returns:
        A section with tables.
    """
    settings = metrics.get("settings", {})
    values: dict[str, object] = {
        "model": path,
        "kind": f"{type(model).__name__}, {model.count_params():,} parameters",
    }
    if classifier_of(model).relations is not None:
        values["predicts with relations"] = model.relations
        if model.references is not None:
            values["references"] = f"{model.references.num_references:,} images"
    values["images"] = " x ".join(map(str, model.input_shape[1:]))
    shown = {"dataset": "data", "seed": "seed", "backbone": "backbone", "weights": "weights"}
    shown |= {"epochs": "epochs", "batch_size": "training batch size"}
    shown |= {"learning_rate": "learning rate", "embedding_dim": "embedding width"}
    shown |= {"per_class": "training images a class", "augment": "augmentation"}
    shown |= {"variant": "variant"}
    values |= {
        label: settings[key] for key, label in shown.items() if settings.get(key) is not None
    }
    tables = [facts(values)]
    rows = metrics.get("test_accuracy_by_relations", [])
    text = "The settings that the model was trained with."
    if rows:
        text = (
            "The settings that the model was trained with, and its accuracy on "
            f"{metrics['test_images']:,} test images ({metrics['test_order']})."
        )
        tables.append(
            Table(
                [
                    (
                        row["relations"],
                        "any" if row["batch_size"] is None else str(row["batch_size"]),
                        f"{100 * row['accuracy']:.1f}",
                    )
                    for row in rows
                ],
                ("relations", "test batch size", "top-1 (%)"),
            )
        )
    elif not settings:
        text = "There is no run folder beside the model, so its training is not known."
    return Section("run", "The run", text, tables=tables)


def _predict(model: keras.Model, pixels: np.ndarray, relations: str) -> np.ndarray:
    with classifier_of(model).use_relations(relations):
        outputs = np.asarray(model.predict_on_batch(pixels))
    return probabilities_of(outputs, head_activation(model))


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
    classes: np.ndarray,
    probabilities: np.ndarray,
    method: str,
    modes: dict[str, str],
) -> Section:
    names = [
        f"image {number}\n{class_names[label]}\n{100 * row.max():.0f} %"
        for number, (label, row) in enumerate(zip(classes, probabilities, strict=True))
    ]
    maps = {"evidence": grad_cam(model, batch.pixels, classes, method=method)}
    text = "Bright pixels speak for the class above the image. Each map is scaled by itself."
    if classifier_of(model).relations is not None:
        combined = modes if len(modes) > 1 else {"combined": next(iter(modes.values()), "self")}
        maps = {
            "backbone alone": grad_cam(model, batch.pixels, classes, of="backbone", method=method),
            **{
                name: grad_cam(model, batch.pixels, classes, method=method, relations=mode)
                for name, mode in combined.items()
            },
        }
        text += (
            " In the uppermost maps the head sees the backbone's own features and nothing of the "
            "attention (beta = 1), below them the prediction as it is"
            + (", first beside the references and then in this batch" if len(modes) > 1 else "")
            + ". Each is of the image's own score."
        )
    figure = plot_cams(batch.pixels, maps, names)
    return Section("cams", "Where the evidence lies", text, figure)


def _parts(model: keras.Model, batch: ImageBatch) -> Section:
    names = [f"image {number}" for number in range(len(batch.pixels))]
    return Section(
        "parts",
        "The parts that training learns from",
        "The boxes that the proposer scores highest, and what they show, in the order that the "
        "model puts them in: a row is the same part of every image, where it has learned to tell "
        "them apart. Predictions do not depend on them.",
        plot_parts(model, batch.pixels, names),
    )


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
    return Section(
        "influence",
        "What the other images do to one",
        f"Of all images, the prediction for image {target} is moved most by the others. Its score, "
        "a logit, is compared with the score without each of them; of those that matter most, the "
        "pixels are drawn that speak for the class in that score, or against it. An image that "
        "speaks for it can lower the score all the same, by the weight that it takes from others. "
        "Effects near 0 mean that the batch hardly matters.",
        plot_influence(found, batch.pixels, class_names),
    )


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
