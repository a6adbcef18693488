"""Having a model relate images in another mode for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from keras_rbi.models.rbi.rbi_model import RBIModel


def relations_of(model: keras.Model) -> str:
    """What the images of a model relate to, `"none"` where they do not.

    Args:
        model: Any model.

    Returns:
        The model's mode, or `"none"`.
    """
    return getattr(model, "relations", None) or "none"


def check_stands_alone(model: keras.Model) -> None:
    """Refuses a model whose answers depend on their batch where an RBIModel alone may be such.

    Raises:
        ValueError: If it is one.
    """
    if not isinstance(model, RBIModel) and relations_of(model) == "batch":
        raise ValueError(
            f"The answers of {model.name!r} of class {type(model).__name__} depend on their batch, "
            "which is known of an RBIModel alone here. Set model.relations = 'self'."
        )


@contextmanager
def relating(model: keras.Model, relations: str | None) -> Iterator[str]:
    """Has a model relate images in another mode for a while.

    Args:
        model: An `RBIModel`, a `HERBS`, or another model, whose images do not relate.
        relations: The mode, or `None` for the model's own.

    Yields:
        The mode; `"self"` for a model whose images do not relate.
    """
    if relations_of(model) == "none":
        if relations not in (None, "self"):
            raise ValueError(
                f"relations={relations!r} needs an RBIModel. Received: a model {model.name!r}, "
                "whose images do not relate."
            )
        yield "self"
        return
    mode = model.relations
    try:
        if relations is not None and relations != mode:
            model.relations = relations
        if isinstance(model, RBIModel) and model.relations == "references":
            model.update_references()
        yield model.relations
    finally:
        if model.relations != mode:
            model.relations = mode
