"""Public names that have moved or changed: they work for one release, with a warning."""

import importlib
import warnings
from collections.abc import Mapping
from typing import Any


def warn_of_old(old: str, new: str, goes: str = "The old name goes", stacklevel: int = 2) -> None:
    """Warns that something is called otherwise now: the one place that does.

    Args:
        old: What was used.
        new: What to use.
        goes: What goes, and that it does. Defaults to `"The old name goes"`.
        stacklevel: As of `warnings.warn`, from the caller of this function: 2 is who called that.
    """
    text = f"{old} is now {new}. {goes} in version 0.3."
    warnings.warn(text, DeprecationWarning, stacklevel=stacklevel + 1)


def moved_names(module: str, moved: Mapping[str, str], name: str) -> Any:
    """Finds a name that has moved: the body of a module's `__getattr__`.

    Args:
        module: The name of the module that is asked.
        moved: Where names of that module are now: a module, where the name is as it was, or
            `module:name`.
        name: The name that is asked for.

    Returns:
        What the name stands for, after a `DeprecationWarning` that says where it is now.

    Raises:
        AttributeError: If the module has never had the name.
    """
    if name not in moved:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    place, _, new_name = moved[name].partition(":")
    new_name = new_name or name
    warn_of_old(f"{module}.{name}", f"{place}.{new_name}", stacklevel=3)
    return getattr(importlib.import_module(place), new_name)


def moved_attribute(holder: object, old: str, new: str) -> Any:
    """The value of an attribute that has been renamed, after a `DeprecationWarning`."""
    name = type(holder).__name__
    warn_of_old(f"{name}.{old}", f"{name}.{new}", stacklevel=3)
    return getattr(holder, new)


def moved_method(holder: object, method: str, place: str) -> Any:
    """Finds the function that a method has become: the body of the method.

    Args:
        holder: The object whose method is called.
        method: The method's name.
        place: Where the function is, `module:name`.

    Returns:
        The function, after a `DeprecationWarning` that names it.
    """
    module, _, name = place.partition(":")
    called = f"{type(holder).__name__}.{method}"
    warn_of_old(called, f"{module}.{name}", "The method goes", stacklevel=3)
    return getattr(importlib.import_module(module), name)
