"""The description of a released data set: names, files, counts, options and its reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from keras_rbi._lazy import np
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


@dataclass(frozen=True, kw_only=True)
class TfdsLayout:
    """Where a builder of TensorFlow Datasets keeps what the released files say.

    Attributes:
        file: Feature that names the file.
        folder: Folder of the images in the release; what stands before it is taken off the name.
        class_name: Function of a file's name that returns the name of its class.
        class_names: Function that returns the names of the classes, where file names do not say
            them.
        boxes: Function of an example that returns its boxes, as shares of height and width: top,
            left, bottom, right.
        coarse: Feature and names of the coarse labels, or `None`.
    """

    file: str
    folder: str
    class_name: Callable[[str], str] | None = None
    class_names: Callable[[], list[str]] | None = None
    boxes: Callable[[dict[str, Any]], np.ndarray] | None = None
    coarse: tuple[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, kw_only=True)
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
        tfds_layout: What that builder calls its features, where there is one.
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
    tfds_layout: TfdsLayout | None = None
    note: str | None = None
