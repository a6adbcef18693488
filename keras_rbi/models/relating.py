"""Having a model relate images in another mode for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from keras_rbi.models.rbi_model import RBIModel


@contextmanager
def relating(model: keras.Model, relations: str | None) -> Iterator[str]:
    """Has a model relate images in another mode for a while.

    Args:
        model: An `RBIModel`, or another model, whose images do not relate.
        relations: The mode, or `None` for the model's own.

    Yields:
        The mode; `"self"` for a model whose images do not relate.
    """
    if not isinstance(model, RBIModel):
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
        if model.relations == "references":
            model.update_references()
        yield model.relations
    finally:
        if model.relations != mode:
            model.relations = mode
