"""The images of a training run, split by split, before they are batched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from keras_rbi._lazy import resolve
from keras_rbi.datasets.catalogue import OWN_OPTIONS, TYPEFACES
from keras_rbi.training.choices import NO_CACHE
from keras_rbi.training.settings import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keras_rbi.datasets.files.records import Records
    from keras_rbi.datasets.image_data import ImageData

    Progress = Callable[[str, int, int], None]

# Enough that a percent of accuracy is many images.
TYPEFACES_PER_CLASS = {"validation": 40, "test": 100}
SPLITS = ("train", "validation", "test")


def read_split(
    settings: TrainingSettings, split: str, progress: Progress = lambda *_: None
) -> ImageData:
    """One split of a run's data: see `read_data`."""
    return read_data(settings, progress, splits=(split,))[split]


def read_data(
    settings: TrainingSettings,
    progress: Progress = lambda *_: None,
    class_names: Sequence[str] | None = None,
    splits: Sequence[str] = SPLITS,
) -> dict[str, ImageData]:
    """The splits of a run's data; no backend is needed to read them.

    Args:
        settings: Resolved settings.
        progress: Called with the split, the number of files looked at and of all files. The first
            bytes of each are looked at before the first step, so that most of what cannot be
            read ends nothing half-way; with `on_error="skip"` all of each.
        class_names: The names of the classes in the order of a model's outputs, which data of the
            same classes is brought to. Defaults to `None`, the data's own order.
        splits: Which splits. Defaults to all three.

    Returns:
        An `ImageData` for each split.

    Raises:
        ValueError: If the data is missing or unfit.
    """
    found = _own_data(settings, progress, class_names, splits)
    for path in (settings.added_classes or "").split(os.pathsep):
        if path:
            further = _read(settings, _of_further(path), progress, class_names, splits)
            joined = resolve("keras_rbi.datasets.added_classes:AddedClasses")
            found = {split: joined(found[split], further[split]) for split in splits}
    return found


def _own_data(
    settings: TrainingSettings,
    progress: Progress,
    class_names: Sequence[str] | None,
    splits: Sequence[str],
) -> dict[str, ImageData]:
    """The data that a run is named after."""
    if settings.dataset == TYPEFACES:
        typefaces = resolve("keras_rbi.datasets.typefaces:Typefaces")
        sizes = {**TYPEFACES_PER_CLASS, "train": settings.per_class}
        return {
            split: typefaces(split, sizes[split], settings.image_size, settings.seed)
            for split in splits
        }
    records = resolve("keras_rbi.datasets.load:read_records")(
        settings.dataset,
        settings.data_dir,
        settings.source,
        **{name: getattr(settings, name) for name in OWN_OPTIONS if getattr(settings, name)},
    )
    if settings.corrections is not None:
        records = resolve("keras_rbi.datasets.load:correct")(
            records, settings.corrections, settings.seed, settings.split_rule
        )
    return _read(settings, records, progress, class_names, splits)


def _of_further(path: str) -> Records:
    """The images of a folder or table of further classes."""
    if not Path(path).is_dir():
        table: Records = resolve("keras_rbi.datasets.load:read_records")(path)
        return table
    # One class more is enough.
    records: Records = resolve("keras_rbi.datasets.files.image_folder:read_folder")(Path(path), 1)
    resolve("keras_rbi.datasets.load:warn_of_differences")(records, None, {})
    return records


def _read(
    settings: TrainingSettings,
    records: Records,
    progress: Progress,
    class_names: Sequence[str] | None,
    splits: Sequence[str],
) -> dict[str, ImageData]:
    """The splits of what is known of images."""
    if class_names is not None and set(records.class_names) <= set(class_names):
        own = set(records.class_names)
        records = records.in_class_order([name for name in class_names if name in own])
    found = {}
    for split in splits:
        data = resolve("keras_rbi.datasets.files.image_files:ImageFiles")(
            records,
            split,
            settings.image_size,
            settings.seed,
            settings.on_error,
            progress,
            None if settings.cache == NO_CACHE else settings.cache,
            settings.cache_dir,
            settings.split_rule,
        )
        if settings.on_error == "raise":
            data.check_headers(progress)
        found[split] = data
    return found
