"""The old place of `keras_rbi.explanations` and `keras_rbi.figures`."""

from typing import Any

from keras_rbi._deprecation import moved_names

_MOVED = {
    **dict.fromkeys(
        ("Influence", "RelationMatrix", "grad_cam", "influence", "relation_matrix"),
        "keras_rbi.explanations",
    ),
    **dict.fromkeys(
        (
            "contact_sheet",
            "embedding_map",
            "integration_flow",
            "plot_cams",
            "plot_influence",
            "plot_parts",
            "plot_relation_matrix",
            "training_curves",
        ),
        "keras_rbi.figures",
    ),
}


def __getattr__(name: str) -> Any:
    return moved_names(__name__, _MOVED, name)
