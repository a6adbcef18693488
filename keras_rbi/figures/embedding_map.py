"""Features of images before and after attention, as maps side by side."""

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_rbi.explanations.embeddings import embedding_scores, embeddings_before_and_after
from keras_rbi.models.batches import to_numpy
from keras_rbi.models.references.reference_selection import class_numbers
from keras_rbi.models.relational_classifier import RelationalClassifier

METHODS = ("pca", "tsne")
# Okabe and Ito's eight, and a mark for each time that they have come round.
COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#F0E442",
)
MARKS = "os^Dv*PX<>hp"
# More names than this cannot be read beside a map.
MOST_NAMES = 40


def embedding_map(
    model: RelationalClassifier,
    images: Any,
    labels: Any,
    class_names: Sequence[str] | None = None,
    method: str = "pca",
    relations: str | None = None,
) -> Figure:
    """Draws images by their features before and after RRA, with silhouette and kNN purity.

    The numbers are those of the features themselves, not of the two dimensions that are drawn:
    `embedding_scores` gives them.

    Args:
        model: A model whose attention is `RRA`, such as an `RBIModel`.
        images: Images `(images, height, width, channels)` of the model's size, 0..255.
        labels: Integers or one-hot rows, of at least two classes.
        class_names: Names of the classes. Defaults to `None`, those of the model.
        method: `"pca"`, the two principal components, or `"tsne"`, where scikit-learn is installed
            (the extra `tsne`). Defaults to `"pca"`.
        relations: As in `embeddings_before_and_after`. Defaults to `None`.

    Returns:
        A `matplotlib.figure.Figure`, which no window shows and nothing else keeps.

    Raises:
        ValueError: If `method` is unknown, if scikit-learn is not installed and needed, or if the
            images are not of two classes.

    Example:

    >>> test = keras_rbi.datasets.typefaces.load("test", per_class=1, image_size=16)
    >>> backbone = keras_rbi.backbones.SmallCNN((16, 16, 3))
    >>> model = keras_rbi.RBIModel(backbone, class_names=test.class_names, embedding_dim=16)
    >>> images, labels = test[0]
    >>> figure = keras_rbi.figures.embedding_map(model, images, labels)
    >>> [axes.get_title().split(":")[0] for axes in figure.axes]
    ['before attention', 'after attention, relations "self"']
    """
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {METHODS}. Received: method={method!r}.")
    if method == "tsne" and importlib.util.find_spec("sklearn") is None:
        raise ValueError(
            "t-SNE needs scikit-learn: pip install 'keras-rbi[tsne]'. Or pass method='pca'."
        )
    embeddings = embeddings_before_and_after(model, images, relations)
    labels = class_numbers(to_numpy(labels), model.num_classes)
    names = class_names or model.class_names
    figure = Figure(figsize=(11.0, 5.2), layout="constrained")
    panels = figure.subplots(1, 2)
    headings = ("before attention", f'after attention, relations "{relations or model.relations}"')
    for axes, heading, scores in zip(
        panels, headings, embedding_scores(embeddings, labels), strict=True
    ):
        points, axis_names = _in_two_dimensions(embeddings[scores.features], method)
        _draw(axes, points, labels, names)
        axes.set_title(
            f"{heading}:\nsilhouette {scores.silhouette:.3f}, "
            f"kNN purity {100 * scores.knn_purity:.1f} %",
            fontsize=10,
        )
        axes.set_xlabel(axis_names[0])
        axes.set_ylabel(axis_names[1])
    handles, shown = panels[0].get_legend_handles_labels()
    if 0 < len(shown) <= MOST_NAMES:
        figure.legend(handles, shown, loc="outside right center", fontsize=7, frameon=False)
    return figure


def principal_components(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first two principal components of rows, and their shares of the variance.

    Args:
        rows: Array of shape `(rows, features)`.

    Returns:
        Arrays of shape `(rows, 2)` and `(2,)`. A component's largest loading is positive.
    """
    centred = np.asarray(rows, "float64") - np.mean(rows, 0, dtype="float64")
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    largest = np.argmax(np.abs(directions), 1)
    directions = directions * np.sign(directions[np.arange(len(directions)), largest])[:, None]
    shares = sizes**2 / max(float(np.sum(sizes**2)), 1e-30)
    return centred @ directions[:2].T, shares[:2]


def _in_two_dimensions(rows: np.ndarray, method: str) -> tuple[np.ndarray, list[str]]:
    if method == "pca":
        points, shares = principal_components(rows)
        return points, [
            f"principal component {number} ({100 * share:.0f} % of the variance)"
            for number, share in enumerate(shares, start=1)
        ]
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(rows) - 1) / 3)
    points = TSNE(init="pca", random_state=0, perplexity=perplexity).fit_transform(rows)
    return points, ["t-SNE 1", f"t-SNE 2 (perplexity {perplexity:.0f})"]


def _draw(axes: Axes, points: np.ndarray, labels: np.ndarray, names: Sequence[str] | None) -> None:
    for place, label in enumerate(np.unique(labels)):
        members = points[labels == label]
        name = f"class {label}" if names is None else str(names[label])
        axes.scatter(
            members[:, 0],
            members[:, 1],
            s=14,
            color=COLOURS[place % len(COLOURS)],
            marker=MARKS[place // len(COLOURS) % len(MARKS)],
            # A dollar would begin a formula.
            label=name.replace("$", r"\$"),
            alpha=0.8,
            linewidths=0,
        )
    axes.set_xticks([])
    axes.set_yticks([])
