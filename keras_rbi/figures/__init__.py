"""Figures of data, of training runs, of evaluations and of what a model looks at."""

from typing import TYPE_CHECKING

from keras_rbi._lazy import lazy_package

if TYPE_CHECKING:
    from keras_rbi.figures.attention_figure import attention_figure
    from keras_rbi.figures.check_report import check_report
    from keras_rbi.figures.confusion_figure import confused_figure, confusion_figure
    from keras_rbi.figures.contact_sheet import contact_sheet, evenly
    from keras_rbi.figures.details_figures import details_figures
    from keras_rbi.figures.embedding_map import embedding_map
    from keras_rbi.figures.explanation_report import explanation_report
    from keras_rbi.figures.html_report import HtmlReport
    from keras_rbi.figures.integration_flow import integration_flow
    from keras_rbi.figures.label_issues_report import label_issues_report
    from keras_rbi.figures.learning_rate_curve import learning_rate_curve
    from keras_rbi.figures.mistakes_report import mistakes_report
    from keras_rbi.figures.observations_figure import observations_figure
    from keras_rbi.figures.plot_cams import plot_cams
    from keras_rbi.figures.plot_influence import plot_influence
    from keras_rbi.figures.plot_parts import plot_parts
    from keras_rbi.figures.plot_relation_matrix import plot_relation_matrix
    from keras_rbi.figures.protocol_figure import protocol_figure
    from keras_rbi.figures.save_figures import save_figures
    from keras_rbi.figures.training_curves import training_curves

__all__ = [
    "HtmlReport",
    "attention_figure",
    "check_report",
    "confused_figure",
    "confusion_figure",
    "contact_sheet",
    "details_figures",
    "embedding_map",
    "evenly",
    "explanation_report",
    "integration_flow",
    "label_issues_report",
    "learning_rate_curve",
    "mistakes_report",
    "observations_figure",
    "plot_cams",
    "plot_influence",
    "plot_parts",
    "plot_relation_matrix",
    "protocol_figure",
    "save_figures",
    "training_curves",
]

lazy_package(__name__)
