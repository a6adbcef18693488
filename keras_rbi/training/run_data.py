"""The images of a training run, split by split, before they are batched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_rbi._lazy import resolve
from keras_rbi.datasets.catalogue import TYPEFACES
from keras_rbi.training.choices import NO_CACHE
from keras_rbi.training.settings import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from keras_rbi.datasets.image_data import ImageData

    Progress = Callable[[str, int, int], None]

# Enough that a percent of accuracy is many images.
TYPEFACES_PER_CLASS = {"validation": 40, "test": 100}
SPLITS = ("train", "validation", "test")


def read_split(
    settings: TrainingSettings, split: str, progress: Progress = lambda *_: None
) -> ImageData:
    """One split of a run's data; no backend is needed to read it.

    Args:
        settings: Resolved settings.
        split: `"train"`, `"validation"` or `"test"`.
        progress: Called with the split, the number of files looked at and of all files. The first
            bytes of each are looked at before the first step, so that most of what cannot be
            read ends nothing half-way; with `on_error="skip"` all of each.

    Returns:
        An `ImageData`.

    Raises:
        ValueError: If the data is missing or unfit.
    """
    if settings.dataset == TYPEFACES:
        per_class = TYPEFACES_PER_CLASS.get(split, settings.per_class)
        typefaces = resolve("keras_rbi.datasets.typefaces:Typefaces")
        return typefaces(split, per_class, settings.image_size, settings.seed)
    data = resolve("keras_rbi.datasets.load:load")(
        settings.dataset,
        settings.data_dir,
        split,
        settings.image_size,
        settings.seed,
        settings.source,
        on_error=settings.on_error,
        progress=progress,
        cache=None if settings.cache == NO_CACHE else settings.cache,
        cache_dir=settings.cache_dir,
    )
    if settings.on_error == "raise" and hasattr(data, "check_headers"):
        data.check_headers(progress)
    return data


def read_data(
    settings: TrainingSettings, progress: Progress = lambda *_: None
) -> dict[str, ImageData]:
    """All splits of a run's data, by name: see `read_split`."""
    return {split: read_split(settings, split, progress) for split in SPLITS}
