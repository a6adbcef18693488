"""The result of `compare`."""

from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from keras_rbi.evaluation.paired_statistics import McNemar


@dataclass(frozen=True)
class ComparedModel:
    """One of two models.

    Attributes:
        name: What it is called.
        relations: Its relations mode, or `"none"`.
        top1: Top-1 accuracy, from 0 to 1.
        parameters: Number of its weights' values.
        seconds_per_image: Median of the timed batches, divided by their size; or `None`.
        peak_bytes: Rise of the process's resident memory in one batch; or `None`.
        image_size: Side of its images in pixels; or `None`.
    """

    name: str
    relations: str
    top1: float
    parameters: int
    seconds_per_image: float | None
    peak_bytes: int | None
    image_size: int | None = None


@dataclass(frozen=True)
class Comparison:
    """Two models, paired over the same test images.

    Attributes:
        a: A `ComparedModel`.
        b: A `ComparedModel`.
        difference: Top-1 accuracy of B less that of A.
        interval: Lower and upper end of the bootstrap's percentile interval of the difference.
        confidence: That of the interval.
        mcnemar: A `McNemar`.
        images: Number of test images.
        batch_size: Of the test batches and of the timed batch.
        seed: Of the order of the test images and of the bootstrap.
    """

    a: ComparedModel
    b: ComparedModel
    difference: float
    interval: tuple[float, float]
    confidence: float
    mcnemar: McNemar
    images: int
    batch_size: int
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return {**asdict(self), "interval": list(self.interval)}

    def table(self) -> Table:
        """The two models, as a table for people."""
        table = Table(
            title=f"{self.images:,} test images, shuffled with seed {self.seed}, "
            f"test batches of {self.batch_size}"
        )
        for name in ("", "model", "relations"):
            table.add_column(name, overflow="fold")
        sizes = (self.a.image_size, self.b.image_size)
        if sizes[0] != sizes[1]:
            table.add_column("pixels", justify="right")
        for name in ("top-1 (%)", "parameters", "ms an image", "peak MiB"):
            table.add_column(name, justify="right")
        for letter, model in (("A", self.a), ("B", self.b)):
            seconds, peak = model.seconds_per_image, model.peak_bytes
            table.add_row(
                letter,
                model.name,
                model.relations,
                *([str(model.image_size)] if sizes[0] != sizes[1] else []),
                f"{100 * model.top1:.1f}",
                f"{model.parameters:,}",
                "" if seconds is None else f"{1000 * seconds:.2f}",
                "" if peak is None else f"{peak / 2**20:.0f}",
            )
        return table

    def summary(self) -> str:
        """The difference, its interval and the test in two sentences."""
        low, high = self.interval
        test = self.mcnemar
        return (
            f"B - A: {100 * self.difference:+.1f} points of top-1 accuracy, "
            f"{100 * self.confidence:g} % interval {100 * low:+.1f} to {100 * high:+.1f} "
            f"(paired bootstrap). Only A is right on {test.only_a:,} images and only B on "
            f"{test.only_b:,}: p = {test.p_value:.2g} (McNemar, {test.method})."
        )
