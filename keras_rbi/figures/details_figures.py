"""Figures of the details of an evaluation."""

from matplotlib.figure import Figure

from keras_rbi.evaluation.details import Details, coarse_labels_of_classes
from keras_rbi.figures.attention_figure import attention_figure
from keras_rbi.figures.confusion_figure import confused_figure, confusion_figure


def details_figures(details: Details) -> dict[str, Figure]:
    """Draws the confusion matrix, the images that are confused most, and attention.

    Args:
        details: The details.

    Returns:
        Figures named `"confusion"`; `"confused"`, if there are mistakes; and `"attention"`, for a
        model with attention.
    """
    data = details.data
    figures = {
        "confusion": confusion_figure(
            details.mistakes.confusion,
            data.class_names,
            coarse_labels_of_classes(data),
            data.coarse_names,
            details.how,
        )
    }
    if details.mistakes.confused:
        figures["confused"] = confused_figure(details.mistakes.confused, details.image, details.how)
    if details.attention is not None:
        figures["attention"] = attention_figure(details.attention)
    return figures
