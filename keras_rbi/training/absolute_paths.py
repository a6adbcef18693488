"""Paths in settings of a run, from the root on: a run is resumed from another folder too."""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_rbi.datasets.catalogue import DATASETS, TYPEFACES
from keras_rbi.training.choices import IMAGENET, NO_WEIGHTS
from keras_rbi.training.recipes import RECIPES

if TYPE_CHECKING:
    from keras_rbi.training.settings import TrainingSettings


def with_absolute_paths(settings: "TrainingSettings") -> "TrainingSettings":
    """The same settings, with files and folders named from the root on."""
    return dataclasses.replace(
        settings,
        dataset=_absolute(settings.dataset, (TYPEFACES, *DATASETS)),
        data_dir=_absolute(settings.data_dir),
        cache_dir=_absolute(settings.cache_dir),
        corrections=_absolute(settings.corrections),
        added_classes=_all_absolute(settings.added_classes),
        weights=_of_file(settings.weights),
        recipe=_absolute(settings.recipe, RECIPES),
    )


def _absolute(path: Any, names: Any = ()) -> Any:
    """The path from the root on, if it is none of the names."""
    return path if path is None or path in names else str(Path(path).resolve())


def _all_absolute(paths: str | None) -> str | None:
    """The same of paths with a separator between them."""
    if paths is None:
        return None
    return os.pathsep.join(_absolute(path) for path in paths.split(os.pathsep) if path)


def _of_file(weights: str) -> str:
    """Weights from the root on, where they are those of a file or folder that is there.

    A file of the name of weights is none of them, unless it is called by a path: `./none`.
    """
    is_file = weights not in (NO_WEIGHTS, IMAGENET) and Path(weights).exists()
    return str(Path(weights).resolve()) if is_file else weights
