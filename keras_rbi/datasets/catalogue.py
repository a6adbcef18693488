"""The catalogue of released data sets, collected from their readers."""

from importlib import import_module

from keras_rbi.datasets.dataset_info import DatasetInfo

# The modules of `keras_rbi.datasets.readers`, each with its `INFO`, in the order of the table that
# the command prints. A new data set is a new module there and its name here.
READERS = (
    "cub_200_2011",
    "stanford_dogs",
    "nabirds",
    "tiny_imagenet_200",
    "fgvc_aircraft",
    "stanford_cars",
    "oxford_flowers102",
    "oxford_pets",
    "inaturalist_2021",
)
TYPEFACES = "typefaces"
# Where files come from: the release itself, or a copy that TensorFlow Datasets has prepared.
SOURCES = ("files", "tfds")
# What may be said of data of one's own.
OWN_OPTIONS = (
    "min_images",
    "path_column",
    "label_column",
    "split_column",
    "observation_column",
    "observations",
)


def _info(reader: str) -> DatasetInfo:
    info: DatasetInfo = import_module(f"keras_rbi.datasets.readers.{reader}").INFO
    return info


DATASETS = {info.name: info for info in map(_info, READERS)}


def note_on(name: str) -> str | None:
    """What to say beside every accuracy on a data set, or None.

    Args:
        name: As in `load`.
    """
    info = DATASETS.get(name)
    return None if info is None else info.note


def available() -> list[str]:
    """Names that `load` knows.

    Returns:
        List of strings.

    Example:

    >>> "nabirds" in keras_rbi.datasets.available()
    True
    """
    return sorted([*DATASETS, TYPEFACES])
