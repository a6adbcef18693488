"""Predictions, written to a file or to the terminal."""

import io
import sys
from collections.abc import Iterable
from pathlib import Path

from keras_rbi.atomic_write import write_atomically
from keras_rbi.cli.parquet import write_parquet
from keras_rbi.cli.predictions import Prediction, Write


def write_predictions(
    write: Write | None, predictions: Iterable[Prediction], output: Path | None
) -> None:
    """Writes predictions; without a function for text, as Parquet."""
    if output is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # The bytes of a file's name that are no text are written as they are.
            sys.stdout.reconfigure(errors="surrogateescape")
        assert write is not None
        write(predictions, sys.stdout)
        return
    if write is None:
        write_atomically(output, lambda path: write_parquet(predictions, path))
        return

    def to(path: Path) -> None:
        with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            write(predictions, file)

    write_atomically(output, to)
