"""The result of `evaluate_protocol`."""

import csv
import io
from dataclasses import asdict, dataclass, fields
from typing import Any

from rich import box
from rich.table import Table

from keras_rbi._deprecation import moved_method

ANY = "any"
SHUFFLED = "shuffled"
SORTED = "sorted by class"


@dataclass(frozen=True)
class ProtocolRow:
    """Scores for one relations mode, test batch size and kind of order.

    Attributes:
        relations: `"self"`, `"batch"`, `"references"`, or `"none"` for a model without relations.
        batch_size: Images in a test batch, or `None` where predictions do not depend on it.
        order: `"shuffled"`, `"sorted by class"`, or `"any"` where predictions do not depend on it.
        orders: Number of orders that the means are over; 0 where any order gives the same.
        top1: Share of images whose likeliest class is theirs, from 0 to 1: the mean over orders.
        top1_sd: Its sample standard deviation over orders, or `None` where there are not two.
        top5: As `top1`, for the five likeliest.
        top5_sd: As `top1_sd`.
        loss: Mean cross-entropy in nats.
        loss_sd: As `top1_sd`.
        calibration_error: Expected calibration error in 15 bins of equal width, from 0 to 1.
        calibration_error_sd: As `top1_sd`.
    """

    relations: str
    batch_size: int | None
    order: str
    orders: int
    top1: float
    top1_sd: float | None
    top5: float
    top5_sd: float | None
    loss: float
    loss_sd: float | None
    calibration_error: float
    calibration_error_sd: float | None

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class EvaluationProtocol:
    """Scores by relations mode, test batch size and order.

    Attributes:
        rows: A `ProtocolRow` for each.
        images: Number of test images.
        seeds: Seeds of the shuffled orders.
    """

    rows: tuple[ProtocolRow, ...]
    images: int
    seeds: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return {
            "images": self.images,
            "seeds": list(self.seeds),
            "rows": [row.as_dict() for row in self.rows],
        }

    def csv(self) -> str:
        """The rows as comma-separated values under a line of names."""
        text = io.StringIO()
        writer = csv.DictWriter(
            text, [field.name for field in fields(ProtocolRow)], lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(row.as_dict() for row in self.rows)
        return text.getvalue()

    def table(self, title: str | None = None) -> Table:
        """The rows as a table for people.

        Args:
            title: Defaults to `None`: one that says how many images and which orders.
        """
        table = Table(
            title=self.title if title is None else title,
            # Without lines between columns it fits the 80 characters of a plain terminal.
            box=box.SIMPLE_HEAD,
            padding=0,
            show_edge=False,
        )
        for name in ("relations", "batch", "order"):
            table.add_column(name, no_wrap=True)
        for name in ("top-1 (%)", "top-5 (%)", "loss (nats)", "ECE (%)"):
            table.add_column(name, justify="right", no_wrap=True)
        for row in self.rows:
            table.add_row(
                row.relations,
                "any" if row.batch_size is None else str(row.batch_size),
                {SHUFFLED: f"shuffled ×{row.orders}", SORTED: "class-sorted"}.get(
                    row.order, row.order
                ),
                _with_deviation(100.0, row.top1, row.top1_sd, 1),
                _with_deviation(100.0, row.top5, row.top5_sd, 1),
                _with_deviation(1.0, row.loss, row.loss_sd, 3),
                _with_deviation(100.0, row.calibration_error, row.calibration_error_sd, 1),
            )
        return table

    def figure(self, title: str | None = None) -> Any:
        """Deprecated: `keras_rbi.figures.protocol_figure` draws it."""
        return moved_method(self, "figure", "keras_rbi.figures:protocol_figure")(self, title)

    @property
    def title(self) -> str:
        """How many images, and which orders."""
        title = f"{self.images:,} test images"
        if any(row.order == SHUFFLED for row in self.rows):
            seeds = ", ".join(map(str, self.seeds))
            title += f"; shuffled orders of {'seed' if len(self.seeds) == 1 else 'seeds'} {seeds}"
            title += ": mean ± standard deviation" if len(self.seeds) > 1 else ""
        return title


def _with_deviation(factor: float, value: float, deviation: float | None, digits: int) -> str:
    text = f"{factor * value:.{digits}f}"
    return text if deviation is None else f"{text} ± {factor * deviation:.{digits}f}"
