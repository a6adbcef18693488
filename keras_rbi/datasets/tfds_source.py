"""TensorFlow Datasets as a source of the released sets, read from its TFRecord files."""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from keras_rbi._lazy import np
from keras_rbi.datasets.dataset_info import DatasetInfo, TfdsLayout
from keras_rbi.datasets.files.records import Records

# A record is a header, its length and a checksum of that; the record; and a checksum of the record.
HEADER, FOOTER = 12, 4


def read_prepared(info: DatasetInfo, data_dir: str | Path | None, download: bool) -> Records:
    """What TensorFlow Datasets has of a released set.

    Args:
        info: The set.
        data_dir: TensorFlow Datasets' folder; `None` for its own default.
        download: Whether to have it download and prepare the set where it has not yet.

    Returns:
        Records with the files, labels and splits of the release; the images are read from the
        prepared records.

    Raises:
        ValueError: If TensorFlow Datasets is not installed, lacks the set, or has not prepared it.
    """
    if info.tfds is None:
        raise ValueError(
            f"TensorFlow Datasets has no {info.title}. Use source='files'. The files come from "
            f"{info.page}."
        )
    if importlib.util.find_spec("tensorflow_datasets") is None:
        raise ValueError(
            "source='tfds' needs TensorFlow Datasets. Install it: pip install 'keras-rbi[tfds]'"
        )
    # Slow to import, and an extra.
    import tensorflow_datasets as tfds

    builder = tfds.builder(info.tfds, data_dir=None if data_dir is None else str(data_dir))
    if download:
        builder.download_and_prepare()
    if not builder.is_prepared():
        raise ValueError(
            f"TensorFlow Datasets has not prepared {info.tfds} in {str(builder.data_dir)!r}. Pass "
            f"download=True, or call tfds.builder({info.tfds!r}, data_dir=...)"
            ".download_and_prepare()."
        )
    if builder.info.file_format.value != "tfrecord":
        raise ValueError(
            f"{info.tfds} is prepared as {builder.info.file_format.value!r}, which cannot be read "
            "here. Prepare it as 'tfrecord', TensorFlow Datasets' default."
        )
    return _records(info, Path(builder.data_dir), builder.info)


def _records(info: DatasetInfo, folder: Path, prepared: Any) -> Records:
    layout = info.tfds_layout
    assert layout is not None
    store = RecordStore(folder)
    files: list[str] = []
    labels: list[int] = []
    splits: list[str] = []
    boxes: list[np.ndarray] = []
    coarse: list[int] = []
    for name, split in prepared.splits.items():
        for example in store.add([str(path) for path in split.filepaths]):
            file = example[layout.file].decode().replace("\\", "/")
            _, _, inner = file.rpartition(layout.folder)
            files.append(layout.folder + inner)
            labels.append(int(example["label"]))
            splits.append(str(name))
            if layout.boxes:
                boxes.append(np.reshape(layout.boxes(example), (-1, 4)))
            if layout.coarse:
                coarse.append(int(example[layout.coarse[0]]))
    findings: list[str] = []
    return Records(
        folder,
        files,
        np.array(labels, np.int64),
        _class_names(layout, files, labels, findings),
        splits,
        np.array(coarse, np.int64) if layout.coarse else None,
        list(layout.coarse[1]) if layout.coarse else None,
        partial(_boxes_in_pixels, store, boxes) if layout.boxes else None,
        findings=findings,
        content=store,
        container=store.shard,
    )


def _class_names(
    layout: TfdsLayout, files: list[str], labels: list[int], findings: list[str]
) -> list[str]:
    if layout.class_names is not None:
        return layout.class_names()
    assert layout.class_name is not None
    names: dict[int, set[str]] = {}
    for file, label in zip(files, labels, strict=True):
        names.setdefault(label, set()).add(layout.class_name(file))
    if any(len(group) > 1 for group in names.values()):
        findings.append("A label has images of several classes.")
    if sorted(names) != list(range(len(names))):
        raise ValueError("The labels that TensorFlow Datasets has are not 0, 1, 2, ...")
    return [min(names[label]) for label in range(len(names))]


def _boxes_in_pixels(store: RecordStore, boxes: list[np.ndarray], number: int) -> np.ndarray:
    with Image.open(BytesIO(store(number))) as image:
        scale = [image.width, image.height] * 2
    return (boxes[number][:, [1, 0, 3, 2]] * scale).astype(np.float32)


class RecordStore:
    """The image files in TFRecord files, by number.

    Args:
        folder: The folder of the prepared set.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paths: list[str] = []
        # Shard, first byte and number of bytes of each record.
        self._places: list[tuple[int, int, int]] = []
        self._features: Any = None

    def add(self, paths: list[str]) -> Iterator[dict[str, Any]]:
        """Appends the records of TFRecord files, and yields what they say but the images."""
        for path in paths:
            self._paths.append(path)
            with open(path, "rb") as file:
                while header := file.read(HEADER):
                    (size,) = struct.unpack("<Q", header[:8])
                    self._places.append((len(self._paths) - 1, file.tell(), size))
                    example = self._parse(file.read(size))
                    file.seek(FOOTER, 1)
                    yield example

    def __call__(self, number: int) -> bytes:
        """The bytes of the file of image number `number`."""
        shard, begin, size = self._places[number]
        with open(self._paths[shard], "rb") as file:
            file.seek(begin)
            return self._parse(file.read(size))["image"]

    def shard(self, number: int) -> str:
        """The TFRecord file of image number `number`."""
        return self._paths[self._places[number][0]]

    def _parse(self, record: bytes) -> dict[str, Any]:
        import tensorflow_datasets as tfds

        if self._features is None:
            self._features = tfds.builder_from_directory(str(self.folder)).info.features
        skip = {
            name: tfds.decode.SkipDecoding()
            for name in ("image", "segmentation_mask")
            if name in self._features
        }
        return self._features.deserialize_example_np(record, decoders=skip)

    def __getstate__(self) -> dict[str, Any]:
        # What TensorFlow Datasets makes cannot be sent to another process; it is made anew.
        return self.__dict__ | {"_features": None}
