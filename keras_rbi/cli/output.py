"""What the command prints: results on the standard output, what it is doing on the error stream."""

import json
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from rich.console import Console

from keras_rbi.datasets.files.dataset_warning import DatasetWarning

if TYPE_CHECKING:
    from rich.table import Table

console = Console()
errors = Console(stderr=True)
Progress = Callable[[str, int, int], None]


@dataclass
class _Asked:
    """What `--quiet` and `--json` ask for, of the command that runs."""

    quiet: bool = False
    json: bool = False


asked = _Asked()


def fail(message: str) -> NoReturn:
    """Ends the command with the exit code 2 and one line, or with `--json` an object, of why."""
    line = " ".join(message.split())
    if asked.json:
        print(json.dumps({"error": line}))
    else:
        print("Error: " + line, file=sys.stderr)
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


def notes() -> Console:
    """Where a command tells what is not its result: with `--json` the error stream."""
    return errors if asked.json else console


def print_json(content: Any) -> None:
    """A result, with `--json`."""
    print(json.dumps(content, indent=2))


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Says what is being done: with a spinner in a terminal, in a line elsewhere.

    Args:
        what: A phrase, such as `"Loading the model"`.
    """
    if asked.quiet:
        yield
    elif errors.is_terminal:
        with errors.status(what):
            yield
    else:
        print(f"{what} ...", file=sys.stderr, flush=True)
        yield


@contextmanager
def progress_bars(describe: str) -> Iterator[Progress]:
    """Bars for things that are done one after the other; lines where there is no terminal.

    Args:
        describe: What to call a thing, with `{}` for its name.

    Yields:
        Function of a thing's name, the number of its parts that are done, and of all of them, 0 if
        that is not known.
    """
    if asked.quiet:
        yield lambda *_: None
        return
    if not errors.is_terminal:
        begun: set[str] = set()

        def say(name: str, done: int, total: int) -> None:
            if name not in begun:
                begun.add(name)
                of = f" ({total:,})" if total else ""
                print(f"{describe.format(name)}{of} ...", file=sys.stderr, flush=True)

        yield say
        return

    from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=errors, transient=True, redirect_stdout=False) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(describe.format(name), total=total or None)
            bars.update(tasks[name], completed=done)
            if done == total:
                bars.remove_task(tasks.pop(name))

        yield progress


def relations_table(rows: Sequence[dict[str, Any]], images: int, order: str) -> "Table":
    """Top-1 accuracies by relations mode and test batch size."""
    from rich.table import Table

    table = Table(title=f"top-1 accuracy on {images:,} test images, {order}")
    table.add_column("relations")
    table.add_column("test batch size", justify="right")
    table.add_column("top-1 (%)", justify="right")
    for row in rows:
        size = "any" if row["batch_size"] is None else str(row["batch_size"])
        table.add_row(row["relations"], size, f"{100 * row['accuracy']:.1f}")
    return table
