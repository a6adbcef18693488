"""What every program does with its rows: tables on the terminal and on a page, and a figure."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table as RichTable

from applications.paper.arguments import system_of
from applications.paper.experiment import finished
from benchmarks.page import put_on_page

Row = dict[str, str]
SYSTEM_NAMES = {":herbs": "HERBS", ":p2p-net": "P2P-Net"}
# A header and rows of cells.
Table = list[list[str]]


def named(rows: Sequence[Row]) -> list[Row]:
    """The rows with what their backbone is called, and a column for each test batch size."""
    return [
        {
            **row,
            "backbone_name": _name(row),
            **{
                f"accuracy_batch_{size}": str(accuracy)
                for size, accuracy in json.loads(row.get("accuracy_batch", "{}")).items()
            },
        }
        for row in rows
    ]


def _name(row: Row) -> str:
    system = system_of(json.loads(row["settings"]))
    if system:
        return f"{row['backbone']} ({SYSTEM_NAMES[system]})"
    return row["backbone"] + (" (frozen)" if row["frozen"] == "yes" else "")


def cases_of(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Backbones and training images a class that rows have, in the order of the rows."""
    return list(dict.fromkeys((row["backbone_name"], row["per_class"]) for row in rows))


def by_seed(rows: Sequence[Row], peer: str, column: str = "accuracy") -> dict[int, float]:
    """From seeds to the numbers of a peer."""
    return {int(row["seed"]): float(row[column]) for row in rows if row["peer"] == peer}


def markdown(table: Table) -> str:
    """A table as Markdown."""
    header, *rows = table
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def what_was_measured(rows: Sequence[Row]) -> str:
    """One sentence on the test, for every table."""
    counts = ", ".join(f"{int(count):,}" for count in sorted({row["test_images"] for row in rows}))
    return (
        f"Top-1 accuracy on {counts} test images in shuffled order, mean ± standard deviation over "
        "seeds; training batches of 32. Where no test batch size is named, RBI as printed is "
        "tested with relations in batches of 32, and all others classify each image by itself."
    )


def publish(
    options: Any,
    rows: Sequence[Row],
    tables: Sequence[Callable[[Sequence[Row]], Table]],
    draw: Callable[[Sequence[Row]], Figure],
) -> None:
    """Prints the tables, draws the figure beside the CSV file, and fills the page.

    Args:
        options: Those of the program. With `only_report`, all rows of the file are reported.
        rows: The rows of this call.
        tables: Functions of rows; a table without rows is left out.
        draw: Function of rows.
    """
    if options.only_report:
        rows = finished(options.output)
    if not rows:
        raise SystemExit(f"{options.output} has no finished run to report.")
    rows = named(rows)
    console = Console(width=None if sys.stdout.isatty() else 160)
    made = [table for function in tables if len(table := function(rows)) > 1]
    for header, *lines in made:
        shown = RichTable(*header)
        for line in lines:
            shown.add_row(*line)
        console.print(shown)
    console.print(what_was_measured(rows))
    figure = Path(options.output).with_suffix(".png")
    draw(rows).savefig(figure, dpi=150)
    console.print(f"Runs: {options.output}\nFigure: {figure}", highlight=False)
    if options.page:
        link = os.path.relpath(figure, options.page.parent)
        parts = [what_was_measured(rows), *map(markdown, made), f"![{figure.stem}]({link})"]
        put_on_page(options.page, "\n\n".join(parts), options.program)
