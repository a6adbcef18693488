"""What the command prints."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table

console = Console()


def fail(message: str) -> NoReturn:
    """Ends the command with one line on the error stream and the exit code 2."""
    print("Error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(2)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turns the library's `ValueError`s, which say what to mend, into one line."""
    try:
        yield
    except ValueError as error:
        fail(str(error))


def relations_table(rows: Sequence[dict[str, Any]], images: int, order: str) -> Table:
    """Top-1 accuracies by relations mode and test batch size."""
    table = Table(title=f"top-1 accuracy on {images:,} test images, {order}")
    table.add_column("relations")
    table.add_column("test batch size", justify="right")
    table.add_column("top-1 (%)", justify="right")
    for row in rows:
        size = "any" if row["batch_size"] is None else str(row["batch_size"])
        table.add_row(row["relations"], size, f"{100 * row['accuracy']:.1f}")
    return table
