"""What is known of a released data set before it is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from keras_rbi.datasets.files.records import Records

# Called with the name of a file, the number of bytes that are done and of all, 0 if not known.
BytesProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ReleasedFile:
    """A file of a release.

    Attributes:
        name: Its name.
        url: Where it can be had without a form, or `None`.
        checksum: `"sha256:..."` or `"md5:..."`, or `None` where it is not known.
        size: Bytes, or `None` where it is not known.
        needed: Whether the set cannot be read without it.
        alternative: Which of several ways to have the set it belongs to, or `None` for all.
    """

    name: str
    url: str | None = None
    checksum: str | None = None
    size: int | None = None
    needed: bool = True
    alternative: str | None = None


@dataclass(frozen=True)
class DatasetInfo:
    """A released data set.

    Attributes:
        name: What `load` calls it.
        title: What people call it.
        page: Its web page.
        read: Function of the extracted folder and the options that returns `Records`.
        markers: Files and folders by which the extracted folder is told: any of the groups.
        folders: Where the extracted folder lies in what the archives hold.
        files: The files of the release.
        classes: Number of classes.
        images: Number of images in each official split.
        per_class: Smallest and largest number of images of a class in each official split.
        coarse: Number of groups at each level of the option `coarse`, where it is known.
        options: Choices for each option of the set.
        tfds: Name of the builder in TensorFlow Datasets, or `None`.
        note: What to say beside every accuracy on the set, or `None`.
    """

    name: str
    title: str
    page: str
    read: Callable[..., Records]
    markers: tuple[tuple[str, ...], ...]
    folders: tuple[str, ...]
    files: tuple[ReleasedFile, ...]
    classes: int
    images: Mapping[str, int]
    per_class: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    coarse: Mapping[str, int | None] = field(default_factory=dict)
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tfds: str | None = None
    note: str | None = None
