"""Which images a model relates to each other: the checks behind its property `relations`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from keras_rbi.checks import one_of
from keras_rbi.layers.relation_sets import INFERENCE_RELATIONS

NO_REFERENCES = (
    "The model has no references to relate images to. Build it, call `set_references`, and then "
    "set model.relations = 'references'."
)


def set_relations(model: Any, relations: str | None) -> str | None:
    """Has the layers of a model relate images in a mode.

    Args:
        model: A `RelationalClassifier`.
        relations: `"self"`, `"batch"`, `"references"`; `None` for a model without relations, and
            there alone.

    Returns:
        The mode.

    Raises:
        ValueError: If the model cannot relate images that way.
    """
    if (relations is None) != (model.rra is None):
        raise ValueError(
            "A model has relations or has none from the start. Received: "
            f"relations={relations!r} for {model.name!r}, which was made with"
            f"{'out' if model.rra is None else ' them'}. Make another model."
        )
    if relations is None:
        return None
    relations = str(one_of("relations", relations, INFERENCE_RELATIONS))
    if relations == "references" and model.references is None:
        raise ValueError(NO_REFERENCES)
    for layer in (model.rpe, model.rra):
        if hasattr(layer, "inference_relations"):
            layer.inference_relations = relations
        elif relations != "batch":
            raise ValueError(
                f"The layer {layer.name!r} relates the images of a batch and has no "
                f"`inference_relations` to change that. Received: relations={relations!r}. Pass "
                "relations='batch', or derive the layer from RPE or RRA."
            )
    return relations


@contextmanager
def use_relations(model: Any, mode: str | None = None) -> Iterator[str]:
    """Relates images in another mode for a while, with references up to date.

    Args:
        mode: As `relations` of the model. Defaults to `None`, the model's own.

    Yields:
        The mode; `"self"` for a model without relations.

    Raises:
        ValueError: If the model cannot relate images that way.
    """
    own = model.relations
    if own is None and mode in (None, "self"):
        yield "self"
        return
    try:
        if mode not in (None, own):
            model.relations = mode
        model.update_before_use()
        yield str(model.relations)
    finally:
        if model.relations != own:
            model.relations = own


def check_attention(model: Any) -> None:
    """Raises a `ValueError` for a model whose attention cannot be looked into."""
    if not getattr(model, "has_attention", False):
        rra = getattr(model, "rra", None)
        raise ValueError(
            "This looks into the attention of a model, which must be RRA or derived from it. "
            f"Received: {model.name!r} of class {type(model).__name__}, "
            + (f"whose layer {rra.name!r} cannot be looked at." if rra else "which has none.")
        )
