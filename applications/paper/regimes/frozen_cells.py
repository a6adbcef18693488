"""Cells of the map whose heads stand on a frozen backbone."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from applications.paper.regimes.batch_orders import batch_orders
from applications.paper.regimes.known_features import CLASSES, KnownFeatures, known_features
from applications.paper.regimes.rates import rates_of_steps
from applications.paper.regimes.regime import Regime
from applications.paper.regimes.seeds import SEARCH, pool_of
from applications.paper.regimes.sizes import POOL, SEARCH_POOL, TEST, VALIDATION
from applications.paper.regimes.train_heads import (
    HeadRun,
    relations_of_batches,
    trainer_of,
)
from applications.paper.regimes.training_images import training_images


class FrozenCells:
    """Heads of one regime, of any column.

    Args:
        regime: The regime.
        folder: Where features are kept.
        sizes: Images of a class in the pools of finding and confirming, and of the search, and
            for validation and test. Defaults to those of the map.
    """

    def __init__(
        self,
        regime: Regime,
        folder: Path,
        sizes: tuple[int, int, int, int] = (POOL, SEARCH_POOL, VALIDATION, TEST),
    ) -> None:
        self.regime, self.folder = regime, folder
        self.pool_size, self.search_pool, self.validation_size, self.test_size = sizes
        self._relations: dict[tuple[int, float, bool], np.ndarray] = {}
        self._drawn: dict[int, tuple[KnownFeatures, np.ndarray, np.ndarray]] = {}

    def search(self, column: str, rates: list[float]) -> list[float]:
        """Accuracy on validation images with each learning rate, the mean over search seeds."""
        pairs = [(seed, rate) for seed in SEARCH for rate in rates]
        validation = _shuffled(self.folder, "validation", self.validation_size, SEARCH[0])
        trainer = trainer_of(column)
        trained = trainer.train([self._run(column, seed, rate) for seed, rate in pairs])
        found = trainer.accuracies(trained, [validation] * len(pairs))
        return found.reshape(len(SEARCH), len(rates)).mean(0).tolist()

    def test(self, column: str, seeds: list[int], rate: float) -> list[dict[str, float]]:
        """Accuracy on test images for each seed, also alone where images relate by default."""
        test = _shuffled(self.folder, "test", self.test_size, 0)
        trainer = trainer_of(column)
        trained = trainer.train([self._run(column, seed, rate) for seed in seeds])
        found = {"accuracy": trainer.accuracies(trained, [test] * len(seeds))}
        if trainer.head.whole.relations == "batch":
            found["accuracy_self"] = trainer.accuracies(trained, [test] * len(seeds), "self")
        return [
            {name: float(values[number]) for name, values in found.items()}
            for number in range(len(seeds))
        ]

    def images(self, seed: int) -> int:
        """How many images are trained on."""
        numbers, _ = training_images(self.regime, self._pool(seed).labels, seed)
        return len(numbers)

    def _pool(self, seed: int) -> KnownFeatures:
        size = self.search_pool if seed in SEARCH else self.pool_size
        return _pool(self.folder, size, pool_of(seed))

    def _data(self, seed: int) -> tuple[KnownFeatures, np.ndarray, np.ndarray]:
        """A pool, one-hot labels of its images, and batches of those that are drawn."""
        if seed not in self._drawn:
            pool = self._pool(seed)
            numbers, labels = training_images(self.regime, pool.labels, seed)
            orders = numbers[batch_orders(self.regime, labels, np.random.default_rng([seed, 2]))]
            # All pools as long as the longest: what is compiled is for one shape.
            count = max(self.pool_size, self.search_pool) * CLASSES
            targets = np.zeros((count, CLASSES), "float32")
            targets[numbers, labels] = 1.0
            features = np.zeros((count, pool.features.shape[1]), "float32")
            features[: len(pool.features)] = pool.features
            self._drawn[seed] = replace(pool, features=features), targets, orders
        return self._drawn[seed]

    def _run(self, column: str, seed: int, rate: float) -> HeadRun:
        pool, targets, orders = self._data(seed)
        rates = rates_of_steps(rate, self.regime.steps, self.regime.constant)
        return HeadRun(seed, pool.features, targets, orders, self._related(column, seed), rates)

    def _related(self, column: str, seed: int) -> np.ndarray:
        rpe = trainer_of(column).rpe
        pool, _, orders = self._data(seed)
        if rpe is None:
            return relations_of_batches(None, pool.images, orders)
        key = seed, rpe.epsilon, rpe.normalize
        if key not in self._relations:
            self._relations[key] = relations_of_batches(rpe, pool.images, orders)
        return self._relations[key]


@cache
def _pool(folder: Path, size: int, seed: int) -> KnownFeatures:
    return known_features(folder, "train", size, seed)


@cache
def _shuffled(folder: Path, split: str, size: int, seed: int) -> KnownFeatures:
    known = known_features(folder, split, size, seed)
    order = np.random.default_rng(0).permutation(len(known.labels))
    return KnownFeatures(known.features[order], known.images[order], known.labels[order])
