"""Rows of the map in its two files, and what is missing in them."""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.csv_rows import add_rows, read_rows

# What is measured on test images, and on validation images to find a learning rate.
TEST_FIELDS = [
    "regime",
    "column",
    "seed",
    "rate",
    "accuracy",
    "accuracy_self",
    "images",
    "steps",
    "backend",
]
SEARCH_FIELDS = ["regime", "column", "rate", "accuracy", "backend"]
Row = dict[str, str]


class Rows:
    """The rows of both files.

    Args:
        file: That of test images; that of the search lies beside it.
    """

    def __init__(self, file: Path) -> None:
        self.file, self.search_file = file, file.with_name(f"{file.stem}_search{file.suffix}")

    def test(self) -> list[Row]:
        """The rows of test images."""
        return [row for row in read_rows(self.file) if row.get("backend")]

    def search(self) -> list[Row]:
        """The rows of learning rates."""
        return [row for row in read_rows(self.search_file) if row.get("backend")]

    def add_test(self, rows: Iterable[Row]) -> None:
        """Adds rows of test images."""
        add_rows(self.file, TEST_FIELDS, rows)

    def add_search(self, rows: Iterable[Row]) -> None:
        """Adds rows of learning rates."""
        add_rows(self.search_file, SEARCH_FIELDS, rows)

    def missing_seeds(self, regime: str, column: str, seeds: Iterable[int]) -> list[int]:
        """The seeds that a cell still lacks."""
        known = {int(row["seed"]) for row in self.test() if cell_of(row) == (regime, column)}
        return [seed for seed in seeds if seed not in known]

    def missing_rates(self, regime: str, column: str, rates: Iterable[float]) -> list[float]:
        """The learning rates that are not tried yet."""
        known = {float(row["rate"]) for row in self.search() if cell_of(row) == (regime, column)}
        return [rate for rate in rates if rate not in known]

    def best_rate(self, regime: str, column: str) -> float:
        """The rate with which a column did best on validation images, the lower of equals."""
        found = [
            (float(row["accuracy"]), -float(row["rate"]))
            for row in self.search()
            if cell_of(row) == (regime, column)
        ]
        return -max(found)[1]


def cell_of(row: Row) -> tuple[str, str]:
    """The regime and the column of a row."""
    return row["regime"], row["column"]
