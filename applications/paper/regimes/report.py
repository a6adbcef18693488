"""The table and the figure of the rows that a file has."""

import os
from collections.abc import Sequence
from pathlib import Path

from applications.paper.regimes.columns import ALONE, COLUMNS, RELATING
from applications.paper.regimes.figure import draw
from applications.paper.regimes.regime import REGIMES
from applications.paper.regimes.rows import Row, Rows
from applications.paper.regimes.seeds import CONFIRMING, FINDING
from applications.paper.regimes.summary import Cell, accuracies_of, cells_of, winners
from applications.paper.report import Table, markdown
from applications.paper.statistics import Gain, percent
from benchmarks.page import put_on_page

ALL_SEEDS = (*FINDING, *CONFIRMING)
SHOWN = ("mixup", *RELATING)
# A run below this share of the backbone alone, with the same seed, has failed.
FAILED = 0.5


def report(file: Path, page: Path | None = None) -> None:
    """Prints the table and what wins, draws the figure beside the file, and fills a page.

    Args:
        file: The rows of test images.
        page: A page with marks for `regimes`. Defaults to `None`.
    """
    rows = Rows(file).test()
    cells = cells_of(rows)
    if not cells:
        raise SystemExit(f"{file} has no head with its control and the backbone alone to report.")
    picture = file.with_suffix(".png")
    draw(cells).savefig(picture, dpi=130)
    text = f"{markdown(table_of(rows))}\n\n{what_wins(rows)}"
    print(f"{text}\n\nRows: {file}\nFigure: {picture}")
    if page is not None:
        link = os.path.relpath(picture, page.parent)
        put_on_page(page, f"![What relating gains in each regime]({link})\n\n{text}", "regimes")


def table_of(rows: Sequence[Row]) -> Table:
    """A line for each regime: the backbone alone, and what each column gains."""
    header = ["regime", "seeds", COLUMNS[ALONE].title]
    table: Table = [header + [COLUMNS[name].title for name in SHOWN]]
    cells = {(cell.regime, cell.column): cell for cell in cells_of(rows, columns=SHOWN)}
    for regime in dict.fromkeys(regime for regime, _ in cells):
        alone = accuracies_of(rows, regime, ALONE, ALL_SEEDS)
        line = [REGIMES[regime].title, str(len(alone)), percent(list(alone.values()))]
        table.append(line + [_gains(rows, cells.get((regime, name))) for name in SHOWN])
    return table


def what_wins(rows: Sequence[Row]) -> str:
    """The cells that win, of seeds that find and of seeds that confirm."""
    found = [cell for cell in cells_of(rows, FINDING) if cell.wins]
    named = ", ".join(_name(cell) for cell in found) or "none"
    confirmed = ", ".join(_name(cell) for cell in winners(rows)) or "none"
    return (
        f"Of {len(cells_of(rows))} cells that relate images, 2.78 points and more over both with "
        f"intervals above 0: with seeds 0 to 4 {named}; confirmed with seeds 5 to 9: {confirmed}."
    )


def _name(cell: Cell) -> str:
    return f"{COLUMNS[cell.column].title} at {REGIMES[cell.regime].title}"


def _gains(rows: Sequence[Row], cell: Cell | None) -> str:
    if cell is None:
        return ""
    text = f"{100 * cell.over_alone.mean:+.1f}"
    if cell.over_control is not None:
        text += f" / {_interval(cell.over_control)}"
    failed = failures(rows, cell.regime, cell.column)
    return f"{text}, {failed} failed" if failed else text


def failures(rows: Sequence[Row], regime: str, column: str) -> int:
    """How many runs of a cell got less than half of what the backbone alone got."""
    alone = accuracies_of(rows, regime, ALONE, ALL_SEEDS)
    own = accuracies_of(rows, regime, column, ALL_SEEDS)
    return sum(own[seed] < FAILED * alone[seed] for seed in own.keys() & alone.keys())


def _interval(gain: Gain) -> str:
    return f"{100 * gain.mean:+.1f} [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]"
