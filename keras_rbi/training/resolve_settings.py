"""Settings of a run with nothing left open."""

import dataclasses
from typing import TYPE_CHECKING, Any

from keras_rbi.models.methods import METHODS
from keras_rbi.training.absolute_paths import with_absolute_paths
from keras_rbi.training.check_settings import check_together
from keras_rbi.training.choices import NO_WEIGHTS
from keras_rbi.training.defaults import defaults_of
from keras_rbi.training.recipes import recipe_settings
from keras_rbi.training.setting import check_values, settings_in

if TYPE_CHECKING:
    from keras_rbi.training.settings import TrainingSettings


def resolve_settings(given: "TrainingSettings") -> "TrainingSettings":
    """What is given, else what the recipe sets, else the default; checked.

    Args:
        given: The settings that the user gives; the others are open.

    Returns:
        Settings of which none is open that has a default.

    Raises:
        ValueError: If a setting or the recipe is unfit, or if two settings contradict.
    """
    described = settings_in(type(given))
    settings = _with(given, _of_recipe(given))
    # Those that follow from no other setting.
    settings = _with(settings, {name: one.default for name, one in described.items()})
    settings = _with(settings, defaults_of(settings))
    settings = with_absolute_paths(settings)
    settings = dataclasses.replace(settings, rbi=METHODS[settings.method].relates)
    if settings.weights == NO_WEIGHTS:
        # They know no statistics yet.
        settings = dataclasses.replace(settings, freeze_batch_norms=given.freeze_batch_norms)
    for name, one in described.items():
        one.check(getattr(settings, name))
    check_together(settings)
    return settings


def _of_recipe(given: "TrainingSettings") -> dict[str, Any]:
    values = recipe_settings(given.recipe, given.freeze)
    if "recipe" in values:
        raise ValueError(f"The recipe {given.recipe!r} names a recipe, which none can.")
    check_values(type(given), values, f"The recipe {given.recipe!r}")
    if given.rbi is not None or given.method is not None:
        # Either says what the method is.
        values = {key: value for key, value in values.items() if key not in ("rbi", "method")}
    return values


def _with(settings: "TrainingSettings", values: dict[str, Any]) -> "TrainingSettings":
    """The same settings, with these values where they are open."""
    open_settings = {
        name: value for name, value in values.items() if getattr(settings, name) is None
    }
    return dataclasses.replace(settings, **open_settings)
