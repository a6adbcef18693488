"""`keras-rbi predict --merge`."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from keras_rbi import evaluation
from keras_rbi.cli.backend import start_backend
from keras_rbi.cli.destination import check_file
from keras_rbi.cli.output import fail, one_line_errors
from keras_rbi.cli.parquet import check_parquet
from keras_rbi.cli.prediction_format import PARQUET, TABLE
from keras_rbi.cli.predictions import WRITERS, Prediction
from keras_rbi.cli.tell_predicted import tell_right, tell_unreadable, tell_written
from keras_rbi.cli.write_predictions import write_predictions


def merge_shards(folder: Path, form: str, output: Path | None) -> None:
    """Writes the predictions of all shards in a folder, in the order of the images."""
    check_file(output, "--output")
    if form == TABLE:
        form = "csv"
    unreadable: list[str] = []
    count = 0
    counts: Counter[bool | None] = Counter()

    def readable(rows: Iterable[Prediction]) -> Iterator[Prediction]:
        nonlocal count
        for row in rows:
            count += 1
            if "error" in row:
                unreadable.append(row["error"])
            else:
                counts[row.get("right")] += 1
                yield row

    with one_line_errors():
        if form == PARQUET:
            check_parquet()
            if output is None:
                fail("Parquet is a file. Name one with --output.")
        # Which what reads the shards imports.
        start_backend()
        rows = readable(evaluation.merged_shards(folder))
        write_predictions(WRITERS.get(form), rows, output)
    tell_written(output, count, unreadable)
    tell_right(counts, "images")
    tell_unreadable(unreadable, count)
