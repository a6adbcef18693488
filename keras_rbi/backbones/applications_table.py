"""The table of the models of `keras.applications`: their sizes, without Keras."""

import csv
import functools
from importlib import resources


@functools.cache
def known() -> dict[str, dict[str, int]]:
    """Parameters and features without classifier, and the image size trained at, by name."""
    table = resources.files("keras_rbi.backbones").joinpath("applications.csv").read_text("utf-8")
    return {
        row.pop("name"): {column: int(value) for column, value in row.items()}
        for row in csv.DictReader(table.splitlines())
    }
