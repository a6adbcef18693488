"""Where relations pay: regimes of data and training, and what each head makes of them.

    KERAS_BACKEND=tensorflow python -m applications.paper.regimes --extract
    KERAS_BACKEND=jax python -m applications.paper.regimes --frozen
    python -m applications.paper.regimes --only-report

Rows are regimes, columns what is trained in them: the backbone alone, each head that relates images
and its control, the same head that never does, and MixUp of features. Each has the learning rate
that did best on validation images with seeds that are in no table. Seeds 0 to 4 find a regime, 5 to
9 confirm it, on images that share none. What is in the file is not run again.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from applications.paper.regimes.columns import COLUMNS
from applications.paper.regimes.known_features import known_features
from applications.paper.regimes.regime import FROZEN, REGIMES
from applications.paper.regimes.rows import Rows
from applications.paper.regimes.seeds import CONFIRMING, FINDING, SEARCH

RATES = (1e-3, 4e-3, 1.6e-2, 6.4e-2, 0.256)
RESULTS = Path(__file__).parents[1] / "results" / "regimes.csv"


def run_frozen(options: Any) -> None:
    """Adds the cells that are missing, regime by regime."""
    # Needs JAX, which other parts of the program do without.
    from applications.paper.regimes.frozen_cells import FrozenCells

    rows, backend = Rows(options.output), keras.config.backend()
    for name in options.regimes:
        regime = REGIMES[name]
        if regime.trained != FROZEN:
            continue
        cells = FrozenCells(regime, options.features)
        for column in options.columns:
            cell = {"regime": name, "column": column, "backend": backend}
            if regime.rate is None:
                rates = rows.missing_rates(name, column, RATES)
                if rates:
                    found = cells.search(column, rates)
                    rows.add_search(
                        {**cell, "rate": str(rate), "accuracy": f"{100 * accuracy:.2f}"}
                        for rate, accuracy in zip(rates, found, strict=True)
                    )
            rate = regime.rate or rows.best_rate(name, column)
            seeds = rows.missing_seeds(name, column, options.seeds)
            if seeds:
                print(f"{name}: {column} at {rate:g}, seeds {seeds}", flush=True)
                found = cells.test(column, seeds, rate)
                rows.add_test(
                    {
                        **cell,
                        "seed": str(seed),
                        "rate": str(rate),
                        "images": str(cells.images(seed)),
                        "steps": str(regime.steps),
                        **{key: f"{100 * value:.2f}" for key, value in one.items()},
                    }
                    for seed, one in zip(seeds, found, strict=True)
                )


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
    options = parser.parse_args(arguments)
    run_frozen(options)


if __name__ == "__main__":
    main()
