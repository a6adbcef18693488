"""What relating gains over the backbone alone, and over the same head that never relates."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from applications.paper.regimes.columns import ALONE, COLUMNS, RELATING
from applications.paper.regimes.regime import REGIMES
from applications.paper.regimes.rows import Row
from applications.paper.regimes.seeds import CONFIRMING, FINDING
from applications.paper.statistics import Gain, paired_gain

# The least mean gain that the paper reports.
BAR = 0.0278


@dataclass(frozen=True)
class Cell:
    """A head in a regime.

    Attributes:
        regime: Name of the regime.
        column: Name of the column.
        over_alone: The gain over the backbone alone.
        over_control: That over the same head, never related; `None` for a head that relates
            nothing.
    """

    regime: str
    column: str
    over_alone: Gain
    over_control: Gain | None

    @property
    def wins(self) -> bool:
        """Whether relating gains as much as the paper says over both, with intervals above 0."""
        gains = (self.over_alone, self.over_control)
        return all(one is not None and one.mean >= BAR and one.low > 0 for one in gains)


def accuracies_of(
    rows: Iterable[Row], regime: str, column: str, seeds: Collection[int]
) -> dict[int, float]:
    """From seeds to accuracies in 0..1 of a cell."""
    return {
        int(row["seed"]): float(row["accuracy"]) / 100
        for row in rows
        if (row["regime"], row["column"]) == (regime, column) and int(row["seed"]) in seeds
    }


def cells_of(
    rows: Sequence[Row],
    seeds: Collection[int] = (*FINDING, *CONFIRMING),
    columns: Iterable[str] = RELATING,
) -> list[Cell]:
    """The cells that are measured, with their controls, in the order of the regimes.

    Args:
        rows: Those of test images.
        seeds: Those that count. Defaults to all of the map.
        columns: Names of columns. Defaults to those that relate images.
    """
    found = []
    columns = tuple(columns)
    for regime in REGIMES:
        alone = accuracies_of(rows, regime, ALONE, seeds)
        for column in columns:
            own = accuracies_of(rows, regime, column, seeds)
            control = COLUMNS[column].control
            over_alone = paired_gain(own, alone)
            over_control = None
            if control is not None:
                over_control = paired_gain(own, accuracies_of(rows, regime, control, seeds))
                if over_control is None:
                    continue
            if over_alone is not None:
                found.append(Cell(regime, column, over_alone, over_control))
    return found


def winners(rows: Sequence[Row]) -> list[Cell]:
    """The cells that win with the seeds that find and again with those that confirm."""
    confirmed = {(cell.regime, cell.column) for cell in cells_of(rows, CONFIRMING) if cell.wins}
    return [
        cell
        for cell in cells_of(rows, FINDING)
        if cell.wins and (cell.regime, cell.column) in confirmed
    ]
