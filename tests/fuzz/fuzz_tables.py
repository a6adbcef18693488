"""Bytes of any kind as a table of images; the first line gives the suffix of its file."""

import tempfile
from pathlib import Path

from keras_rbi.datasets.files.tables import read_table

SUFFIXES = ("csv", "tsv", "txt", "jsonl")
IMAGES = ("a.jpg", "b.jpg", "c.png")


def check(data: bytes) -> None:
    """They are refused in one kind of error, or give records that fit together."""
    first, _, content = data.partition(b"\n")
    suffix = first.decode("latin-1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for image in IMAGES:
            (folder / image).touch()
        table = folder / f"table.{suffix if suffix in SUFFIXES else SUFFIXES[0]}"
        table.write_bytes(content)
        try:
            records = read_table(table)
        except ValueError:
            return
    assert len(records.files) == len(records.labels) > 0
    assert len(set(records.files)) == len(records.files)
    assert 0 <= min(records.labels) <= max(records.labels) < len(records.class_names)
    assert len(set(records.class_names)) == len(records.class_names)
