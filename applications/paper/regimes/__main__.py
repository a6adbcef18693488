"""Where relations pay: regimes of data and training, and what each head makes of them.

    KERAS_BACKEND=tensorflow python -m applications.paper.regimes --extract
    KERAS_BACKEND=jax python -m applications.paper.regimes --trained frozen
    KERAS_BACKEND=tensorflow python -m applications.paper.regimes --trained scratch
    KERAS_BACKEND=tensorflow python -m applications.paper.regimes --trained fine-tuned
    python -m applications.paper.regimes --only-report --page docs/regimes.md

Rows are regimes, columns what is trained in them: the backbone alone, each head that relates images
and its control, the same head that never does, and MixUp of features. Each has the learning rate
that did best on validation images with seeds that are in no table. Seeds 0 to 4 find a regime, 5 to
9 confirm it. What is in the file is not run again.

What it costs, on one thread: features a quarter of an hour, a regime of heads about a minute; a
network from scratch 20 seconds, a fine-tuned one a minute and a half.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from applications.paper.regimes.columns import COLUMNS
from applications.paper.regimes.extract import extract
from applications.paper.regimes.network import NETWORKS
from applications.paper.regimes.network_cells import NetworkCells
from applications.paper.regimes.rates import OF_HEADS
from applications.paper.regimes.regime import FROZEN, REGIMES
from applications.paper.regimes.report import report
from applications.paper.regimes.rows import Rows
from applications.paper.regimes.seeds import CONFIRMING, FINDING
from keras_rbi.training import keep_freed_memory

RESULTS = Path(__file__).parents[1] / "results" / "regimes.csv"


def run(options: Any) -> None:
    """Adds the cells that are missing, regime by regime."""
    rows = Rows(options.output)
    for name in options.regimes:
        regime = REGIMES[name]
        if regime.trained != options.trained:
            continue
        cells = _cells(regime, options)
        for column in options.columns:
            run_cell(rows, name, column, cells, options.seeds)


def run_cell(rows: Rows, name: str, column: str, cells: Any, seeds: Sequence[int]) -> None:
    """Adds what a cell lacks: accuracies with each learning rate, then those of each seed."""
    regime = cells.regime
    cell = {"regime": name, "column": column, "backend": keras.config.backend()}
    if regime.rate is None:
        tried = OF_HEADS if regime.trained == FROZEN else NETWORKS[regime.trained].rates
        rates = rows.missing_rates(name, column, tried)
        # Heads are trained side by side, networks one by one: each is a row as soon as it is known.
        for some in _parts(rates, regime.trained):
            rows.add_search(
                {**cell, "rate": str(rate), "accuracy": f"{100 * accuracy:.2f}"}
                for rate, accuracy in zip(some, cells.search(column, some), strict=True)
            )
    rate = regime.rate or rows.best_rate(name, column)
    missing = rows.missing_seeds(name, column, seeds)
    for some in _parts(missing, regime.trained):
        print(f"{name}: {column} at {rate:g}, seeds {', '.join(map(str, some))}", flush=True)
        rows.add_test(
            {
                **cell,
                "seed": str(seed),
                "rate": str(rate),
                "images": str(cells.images(seed)),
                "steps": str(regime.steps),
                **{key: f"{100 * value:.2f}" for key, value in one.items()},
            }
            for seed, one in zip(some, cells.test(column, some, rate), strict=True)
        )


def _cells(regime: Any, options: Any) -> Any:
    if regime.trained in NETWORKS:
        return NetworkCells(regime)
    if keras.config.backend() != "jax":
        raise SystemExit(
            "Heads on known features are trained on JAX, many at once. The backend is "
            f"{keras.config.backend()}. Set KERAS_BACKEND=jax."
        )
    # Imports JAX, which the other parts do without.
    from applications.paper.regimes.frozen_cells import FrozenCells

    return FrozenCells(regime, options.features)


def _parts(values: list[Any], trained: str) -> list[list[Any]]:
    if trained == FROZEN:
        return [values] if values else []
    return [[value] for value in values]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs what is missing of what is asked for, and reports."""
    parser = argparse.ArgumentParser(
        prog="python -m applications.paper.regimes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--output", type=Path, default=RESULTS, metavar="FILE", help="rows that are there stay")
    add("--features", type=Path, default=Path("features"), metavar="FOLDER", help="known features")
    add("--regimes", nargs="+", choices=REGIMES, default=list(REGIMES))
    add("--columns", nargs="+", choices=COLUMNS, default=list(COLUMNS))
    add("--seeds", nargs="+", type=int, default=[*FINDING, *CONFIRMING])
    add("--trained", choices=(FROZEN, *NETWORKS), default=FROZEN, help="which regimes are run")
    add("--extract", action="store_true", help="extract features, and run nothing")
    add("--only-report", action="store_true", help="run nothing: report what --output has")
    add("--page", type=Path, metavar="FILE", help="put the table between this page's marks")
    options = parser.parse_args(arguments)
    keep_freed_memory()
    if options.extract:
        extract(options.features)
        return
    if not options.only_report:
        run(options)
    report(options.output, options.page)


if __name__ == "__main__":
    main()
