"""Relations and attention of a batch, drawn with the images along both axes."""

from typing import Any

from matplotlib.figure import Figure

from keras_rbi.explanations.relation_matrix import RelationMatrix
from keras_rbi.figures.image_panels import draw_relations


def plot_relation_matrix(matrix: RelationMatrix, images: Any, title: str = "") -> Figure:
    """Draws S, and A without and with RPE, with the images along both axes.

    Args:
        matrix: What `relation_matrix` gives.
        images: The same images, 0..255.
        title: Title of the figure. Defaults to `""`.

    Returns:
        A `matplotlib.figure.Figure`, which no window shows and nothing else keeps.

    Example:

    >>> alike = np.array([[1.0, 0.2], [0.2, 1.0]])
    >>> matrix = keras_rbi.explanations.RelationMatrix(alike, alike / 1.2, alike * 0 + 0.5)
    >>> images = np.zeros((2, 8, 8, 3), "uint8")
    >>> figure = keras_rbi.figures.plot_relation_matrix(matrix, images)
    >>> [axes.get_title().splitlines()[0] for axes in figure.axes[:3]]
    ['relations S (RPE)', 'attention A without RPE', 'attention A with RPE']
    """
    panels = (
        ("relations S (RPE)", "relations", matrix.relations, "cividis"),
        (
            "attention A without RPE",
            "attention_without_rpe",
            matrix.attention_without_rpe,
            "viridis",
        ),
        ("attention A with RPE", "attention", matrix.attention, "viridis"),
    )
    numbers = matrix.numbers()
    # One scale for both, or their colours cannot be compared.
    most = max(float(matrix.attention.max()), float(matrix.attention_without_rpe.max()))
    figure = Figure(figsize=(13.5, 4.9), layout="constrained")
    subplots = figure.subplots(1, 3)
    for axes, (name, key, values, colours) in zip(subplots, panels, strict=True):
        dominance, lopsided = numbers[key].values()
        draw_relations(axes, values, images, colours, None if key == "relations" else most)
        axes.set_title(
            f"{name}\ndiagonal dominance {dominance:.2f}, asymmetry {lopsided:.2f}", fontsize=10
        )
        axes.set_xlabel("target j")
        axes.set_ylabel("source i, the image looked at")
    if title:
        figure.suptitle(title)
    return figure
