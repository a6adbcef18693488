"""keras_hub itself: an optional package that nothing imports before it is needed."""

import importlib
from typing import Any

INSTALL = 'pip install "keras-rbi[hub]"'


def import_keras_hub() -> Any:
    """The package `keras_hub`.

    Raises:
        ValueError: If it is not installed.
    """
    try:
        return importlib.import_module("keras_hub")
    except ImportError as error:
        raise ValueError(
            f"This backbone is one of keras_hub, which cannot be imported ({error}). "
            f"Install it with {INSTALL}."
        ) from error


def is_hub_backbone(model: Any) -> bool:
    """Tells whether a model is a backbone of keras_hub, without importing it.

    Args:
        model: Any object.

    Returns:
        `True` for an instance of `keras_hub.models.Backbone`.
    """
    return "Backbone" in hub_classes(model)


def hub_classes(model: Any) -> tuple[str, ...]:
    """Names of the classes of keras_hub that a model is an instance of, its own first."""
    return tuple(
        kind.__name__
        for kind in type(model).__mro__
        if kind.__module__.split(".")[0] == "keras_hub"
    )
