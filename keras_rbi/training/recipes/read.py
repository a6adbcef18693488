"""Recipes: settings of training in files that can be read."""

import tomllib
from pathlib import Path
from typing import Any

from keras_rbi.training.choices import BACKBONE

DEFAULT = "default"
SUFFIX = ".toml"


def read_recipe(path: Path) -> dict[str, Any]:
    """What a file sets.

    Args:
        path: A TOML file with names of `TrainingSettings` and their values.

    Returns:
        A dictionary from names to values, which are not checked.

    Raises:
        ValueError: If the file cannot be read.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"The recipe {str(path)!r} cannot be read: {error}") from error


RECIPES: dict[str, dict[str, Any]] = {
    path.stem: read_recipe(path) for path in sorted(Path(__file__).parent.glob("*" + SUFFIX))
}
"""What each recipe sets where the settings leave it open, by its name; what it leaves open too is
found as without a recipe."""


def recipe_settings(name: str | None, freeze: str | None) -> dict[str, Any]:
    """What a recipe sets.

    Args:
        name: One of `RECIPES`, a `.toml` file, or `None` for `"default"`.
        freeze: As in `TrainingSettings`: with a frozen backbone, a recipe's settings of how the
            backbone is trained are left out.

    Returns:
        A dictionary from names of `TrainingSettings` to values.

    Raises:
        ValueError: If there is no such recipe, or if its file cannot be read.

    Example:

    >>> keras_rbi.training.recipes.recipe_settings("paper", None)["learning_rate"]
    1e-05
    """
    values = _values(DEFAULT if name is None else str(name))
    dropped = ("head_epochs", "backbone_learning_rate") if freeze == BACKBONE else ()
    return {key: value for key, value in values.items() if key not in dropped}


def _values(name: str) -> dict[str, Any]:
    if name in RECIPES:
        return RECIPES[name]
    if not name.endswith(SUFFIX):
        known = ", ".join(repr(recipe) for recipe in RECIPES)
        raise ValueError(f"There is no recipe {name!r}. Use one of {known}, or a {SUFFIX} file.")
    return read_recipe(Path(name))
