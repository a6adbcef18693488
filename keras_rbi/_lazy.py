"""Lazy imports: public names of packages, and NumPy, are imported when they are first used.

`keras-rbi --help` and every usage error must not wait for Keras and its backend, and who imports
one layer should not wait for Matplotlib.
"""

import ast
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from keras_rbi._deprecation import moved_names

if TYPE_CHECKING:
    import numpy as np

__all__ = ["lazy_package", "np", "resolve"]


class _LazyPackage(ModuleType):
    """A package whose public names are imported when they are first asked for."""

    def __getattr__(self, name: str) -> Any:
        public: Mapping[str, str] = self.__dict__["_public"]
        if name not in public:
            return moved_names(self.__name__, self.__dict__["_moved"], name)
        value = resolve(public[name])
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        # The import system binds a submodule to its package. Functions here are named as their
        # modules are, and the function is what the package means.
        if not (isinstance(value, ModuleType) and name in self.__dict__["_public"]):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *self.__dict__["_public"]})


def lazy_package(package: str, moved: Mapping[str, str] | None = None) -> None:
    """Makes a package import the names under its `if TYPE_CHECKING:` when they are asked for.

    Args:
        package: Its `__name__`.
        moved: Names that it had before, as in `moved_names`. Defaults to none.
    """
    module = sys.modules[package]
    module.__dict__["_public"] = _names_for_type_checkers(package)
    module.__dict__["_moved"] = moved or {}
    module.__class__ = _LazyPackage


def resolve(place: str) -> Any:
    """What `module:name` or `module` stands for, imported now.

    Example:

    >>> from keras_rbi._lazy import resolve
    >>> resolve("math:pi")
    3.141592653589793
    """
    module, _, name = place.partition(":")
    found = importlib.import_module(module)
    return getattr(found, name) if name else found


def _names_for_type_checkers(package: str) -> dict[str, str]:
    """From public names to `module:name`, or `package.module`, of its TYPE_CHECKING block."""
    names: dict[str, str] = {}
    file = Path(str(sys.modules[package].__file__))
    for statement in ast.parse(file.read_text("utf-8")).body:
        if not isinstance(statement, ast.If):
            continue
        for line in statement.body:
            if isinstance(line, ast.ImportFrom):
                # Modules of the package itself, or names of such a module.
                link = "." if line.module == package else ":"
                for alias in line.names:
                    names[alias.asname or alias.name] = f"{line.module}{link}{alias.name}"
    return names


class _LazyModule(ModuleType):
    """A module that is imported when something of it is first used."""

    def __getattr__(self, name: str) -> Any:
        module = importlib.import_module(self.__name__)
        # From now on nothing is looked up here.
        self.__dict__.update(module.__dict__)
        return getattr(module, name)


if not TYPE_CHECKING:
    np = _LazyModule("numpy")
