"""Predictions as a Parquet file, written as they come."""

import importlib.util
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from keras_rbi.cli.predictions import Prediction

ROWS_AT_A_TIME = 4096


def check_parquet() -> None:
    """Raises a `ValueError` where pyarrow is not installed."""
    if importlib.util.find_spec("pyarrow") is None:
        raise ValueError(
            "Parquet needs pyarrow, which is not installed. Install it: pip install "
            '"keras-rbi[tables]"'
        )


def write_parquet(predictions: Iterable[Prediction], path: Path) -> None:
    """A row for each image: `image`, `class_1`, `probability_1` and so on, as CSV has them.

    Where the folders of images tell their classes, `truth` and `right` too.

    Bytes of a name that are no text stand there as `\\udc80` and the like: Parquet holds none.

    Args:
        predictions: Of images, all with as many classes.
        path: The file.
    """
    import pyarrow as pa
    from pyarrow import parquet

    rest = iter(predictions)
    first = next(rest, None)
    ranks = range(1, len(first["top"]) + 1 if first else 1)
    is_judged = first is not None and "truth" in first
    schema = pa.schema(
        [
            ("image", pa.string()),
            *([("truth", pa.string()), ("right", pa.bool_())] if is_judged else []),
            *(
                field
                for rank in ranks
                for field in ((f"class_{rank}", pa.string()), (f"probability_{rank}", pa.float64()))
            ),
        ]
    )
    rows = itertools.chain([] if first is None else [first], rest)
    with parquet.ParquetWriter(path, schema) as writer:
        while part := list(itertools.islice(rows, ROWS_AT_A_TIME)):
            columns: dict[str, list[Any]] = {"image": [_text(row["image"]) for row in part]}
            if is_judged:
                truths = [row["truth"] for row in part]
                columns["truth"] = [None if truth is None else _text(truth) for truth in truths]
                columns["right"] = [row["right"] for row in part]
            for rank in ranks:
                best = [row["top"][rank - 1] for row in part]
                columns[f"class_{rank}"] = [_text(each["class"]) for each in best]
                columns[f"probability_{rank}"] = [float(each["probability"]) for each in best]
            writer.write_table(pa.table(columns, schema=schema))


def _text(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
