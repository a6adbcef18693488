"""What the command prints: results on the standard output, what it is doing on the error stream.

All of it goes through here. Names of files and classes are whatever somebody called them, so what
a terminal would obey is shown, and square brackets are no markup unless a caller says so.
"""

import json
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from rich.console import Console
from rich.markup import escape

from keras_rbi.datasets.files.dataset_warning import DatasetWarning
from keras_rbi.strict_json import strict_json

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, RenderableType
    from rich.segment import Segment
    from rich.table import Table
    from rich.text import Text

# Control characters but for tab and new line, what turns the direction of the text, other ends of
# lines, and the halves of characters that stand for bytes of a name that are no text.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
Progress = Callable[[str, int, int], None]
# Seconds for which a command may be silent.
PATIENCE = 1.0


def printable(text: str) -> str:
    """Text of which a terminal obeys nothing: `\\x1b` stands for an escape.

    Example:

    >>> from keras_rbi.cli.output import printable
    >>> print(printable("a \\x1b[31mred\\r wren"))
    a \\x1b[31mred\\x0d wren
    """
    return UNPRINTABLE.sub(lambda found: f"\\{_code(ord(found.group()))}", text)


def _code(number: int) -> str:
    return f"x{number:02x}" if number < 256 else f"u{number:04x}"


def one_line(text: str) -> str:
    """A printable name, on one line."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def marked(text: str) -> str:
    """A printable name, on one line, between words with markup."""
    return escape(one_line(text))


class PrintableConsole(Console):
    """A console that prints text which the terminal does not obey, and takes none for markup."""

    def __init__(self, file: TextIO | None = None, stderr: bool = False) -> None:
        super().__init__(file=file, stderr=stderr, markup=False, emoji=False)

    def render_str(self, text: str, **kwargs: Any) -> "Text":
        """Text of a string, before it is measured."""
        return super().render_str(printable(text), **kwargs)

    def render(
        self, renderable: "RenderableType", options: "ConsoleOptions | None" = None
    ) -> "Iterator[Segment]":
        """The parts of what is printed, of which the console's own may be obeyed."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield segment._replace(text=printable(segment.text))


console: PrintableConsole = PrintableConsole()
errors: PrintableConsole = PrintableConsole(stderr=True)


def say(text: str, file: TextIO | None = None) -> None:
    """Prints plain text, at once."""
    print(printable(text), file=file, flush=True)


@dataclass
class _Asked:
    """What `--quiet` and `--json` ask for, of the command that runs."""

    quiet: bool = False
    json: bool = False


asked: _Asked = _Asked()


def fail(message: str) -> NoReturn:
    """Ends the command with the exit code 2 and one line, or with `--json` an object, of why."""
    line = " ".join(message.split())
    if asked.json:
        print(json.dumps({"error": line}))
    else:
        say("Error: " + line, sys.stderr)
    sys.exit(2)


def told_of_disk(error: OSError) -> str:
    """What to say of a file that could not be written or read."""
    where = f": {str(error.filename)!r}" if error.filename else ""
    return f"{error.strerror}{where}. What was being written is not there."


@contextmanager
def one_line_errors(*kinds: type[ValueError]) -> Iterator[None]:
    """Turns the library's `ValueError`s, or some kinds of them, into the line that they say."""
    kinds = kinds or (ValueError,)
    try:
        yield
    except kinds as error:
        fail(str(error))


@contextmanager
def one_line_warnings() -> Iterator[list[str]]:
    """Prints what the library warns of in data as one line, once, on the error stream.

    Gives the list of these lines, which grows: machines read what is printed on the other stream.
    """
    shown: list[str] = []
    show = warnings.showwarning

    def print_once(message: Any, category: type[Warning], *rest: Any, **kwargs: Any) -> None:
        if not issubclass(category, DatasetWarning):
            show(message, category, *rest, **kwargs)
        elif (line := " ".join(str(message).split())) not in shown:
            shown.append(line)
            say(f"Warning: {line}", sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("always", DatasetWarning)
        warnings.showwarning = print_once
        yield shown


def advise(text: str) -> None:
    """Says what to do next, unless nothing but the result is asked for."""
    if not asked.quiet:
        console.print(one_line(text), highlight=False, soft_wrap=True)


def notes() -> Console:
    """Where a command tells what is not its result: with `--json` the error stream."""
    return errors if asked.json else console


def print_json(content: Any) -> None:
    """A result, with `--json`."""
    print(strict_json(content, indent=2), flush=True)


@contextmanager
def doing(what: str, patience: float = 0.0) -> Iterator[None]:
    """Says what is being done: with a spinner in a terminal, in a line elsewhere.

    Args:
        what: A phrase, such as `"Loading the model"`.
        patience: Seconds after which the line is said, of what most often takes less. Defaults to
            0, at once.
    """
    if asked.quiet:
        yield
    elif errors.is_terminal:
        with errors.status(marked(what)):
            yield
    else:
        told = _say_after(patience, what)
        try:
            yield
        finally:
            told.cancel()


def _say_after(patience: float, what: str) -> threading.Timer:
    """Says a line on the error stream some seconds from now, unless it is cancelled."""
    timer = threading.Timer(patience, say, (f"{one_line(what)} ...", sys.stderr))
    timer.daemon = True
    if patience:
        timer.start()
    else:
        timer.run()
    return timer


@contextmanager
def progress_bars(describe: str, before: str | None = None) -> Iterator[Progress]:
    """Bars for things that are done one after the other; lines where there is no terminal.

    Args:
        describe: What to call a thing, with `{}` for its name.
        before: What is done until the first of them is known, told where it takes more than a
            second. Defaults to `None`.

    Yields:
        Function of a thing's name, the number of its parts that are done, and of all of them, 0 if
        that is not known.
    """
    if asked.quiet:
        yield lambda *_: None
        return
    if not errors.is_terminal:
        listing = None if before is None else _say_after(PATIENCE, before)
        begun: set[str] = set()

        def say_once(name: str, done: int, total: int) -> None:
            if listing is not None:
                listing.cancel()
            if name not in begun:
                begun.add(name)
                of = f" ({total:,})" if total else ""
                say(f"{one_line(describe.format(name))}{of} ...", sys.stderr)

        try:
            yield say_once
        finally:
            if listing is not None:
                listing.cancel()
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
        first = [] if before is None else [bars.add_task(marked(before), total=None)]

        def progress(name: str, done: int, total: int) -> None:
            while first:
                bars.remove_task(first.pop())
            if name not in tasks:
                tasks[name] = bars.add_task(marked(describe.format(name)), total=total or None)
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
