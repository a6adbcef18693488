"""What the command prints."""

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from keras_rbi.datasets.files.records import DatasetWarning

console = Console()
errors = Console(stderr=True)


def fail(message: str) -> NoReturn:
    """Ends the command with one line on the error stream and the exit code 2."""
    print("Error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(2)


@contextmanager
def one_line_errors(kind: type[ValueError] = ValueError) -> Iterator[None]:
    """Turns the library's `ValueError`s, which say what to mend, into one line."""
    try:
        yield
    except kind as error:
        fail(str(error))


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Prints what the library warns of in data as one line, once, on the error stream."""
    shown: set[str] = set()
    show = warnings.showwarning

    def print_once(message: Any, category: type[Warning], *rest: Any, **kwargs: Any) -> None:
        if not issubclass(category, DatasetWarning):
            show(message, category, *rest, **kwargs)
        elif str(message) not in shown:
            shown.add(str(message))
            print("Warning: " + " ".join(str(message).split()), file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("always", DatasetWarning)
        warnings.showwarning = print_once
        yield


@contextmanager
def progress_bars(
    describe: str, on: Console = console
) -> Iterator[Callable[[str, int, int], None]]:
    """Bars for things that are done one after the other.

    Args:
        describe: What to call a thing, with `{}` for its name.
        on: Where to draw them. Only what goes to the same place may be printed meanwhile.
            Defaults to the standard output.

    Yields:
        Function of a thing's name, the number of its parts that are done, and of all of them, 0 if
        that is not known.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    own_output = on is console
    with Progress(*columns, console=on, transient=True, redirect_stdout=own_output) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(describe.format(name), total=total or None)
            bars.update(tasks[name], completed=done)
            if done == total:
                bars.remove_task(tasks.pop(name))

        yield progress


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
