"""Cells of the map in which a network is trained whole, on any backend."""

import keras
import numpy as np

from applications.paper.regimes.batch_orders import batch_orders
from applications.paper.regimes.columns import COLUMNS
from applications.paper.regimes.known_features import CLASSES
from applications.paper.regimes.network import NETWORKS
from applications.paper.regimes.rates import rates_of_steps
from applications.paper.regimes.regime import Regime
from applications.paper.regimes.seeds import SEARCH
from applications.paper.regimes.sizes import TEST, VALIDATION
from applications.paper.regimes.training_images import training_images
from keras_rbi import RectifiedAdam, backbones
from keras_rbi.datasets import Typefaces
from keras_rbi.training.freezing import freeze_batch_norms

TEST_BATCH = 32


class NetworkCells:
    """Networks of one regime, of any column: a backbone and what stands on it.

    Args:
        regime: The regime.
        sizes: Images of a class for validation and test. Defaults to those of the map.
    """

    def __init__(self, regime: Regime, sizes: tuple[int, int] = (VALIDATION, TEST)) -> None:
        self.regime = regime
        self.network = NETWORKS[regime.trained]
        self.validation_size, self.test_size = sizes

    def search(self, column: str, rates: list[float]) -> list[float]:
        """Accuracy on validation images with each learning rate, of the first search seed."""
        images = self._images("validation", self.validation_size, SEARCH[0])
        return [accuracy(self.trained(column, SEARCH[0], rate), *images) for rate in rates]

    def test(self, column: str, seeds: list[int], rate: float) -> list[dict[str, float]]:
        """Accuracy on test images for each seed, also alone where images relate by default."""
        images = self._images("test", self.test_size, 0)
        found = []
        for seed in seeds:
            model = self.trained(column, seed, rate)
            row = {"accuracy": accuracy(model, *images)}
            if model.relations == "batch":
                with model.use_relations("self"):
                    row["accuracy_self"] = accuracy(model, *images)
            found.append(row)
        return found

    def images(self, seed: int) -> int:
        """How many images are trained on."""
        return len(training_images(self.regime, self._labels(), seed)[0])

    def trained(self, column: str, seed: int, rate: float) -> keras.Model:
        """A network of a column: clipped gradients from scratch, else frozen normalizations."""
        keras.utils.clear_session()
        images, _ = self._images("train", self.regime.per_class, seed, shuffled=False)
        numbers, labels = training_images(self.regime, self._labels(), seed)
        targets = np.eye(CLASSES, dtype="float32")[labels]
        keras.utils.set_random_seed(seed)
        names = [str(number) for number in range(CLASSES)]
        network = self.network
        backbone = backbones.get(network.backbone, weights=network.weights, image_size=network.side)
        model = COLUMNS[column].make(backbone, class_names=names)
        if network.weights:
            freeze_batch_norms(model)
        optimizer = RectifiedAdam(rate, global_clipnorm=network.clip)
        model.compile(optimizer, "categorical_crossentropy")
        orders = batch_orders(self.regime, labels, np.random.default_rng([seed, 2]))
        rates = rates_of_steps(rate, self.regime.steps, self.regime.constant)
        for rows, now in zip(orders, rates, strict=True):
            model.optimizer.learning_rate = now
            model.train_on_batch(images[numbers[rows]], targets[rows])
        return model

    def _labels(self) -> np.ndarray:
        return np.tile(np.arange(CLASSES), self.regime.per_class)

    def _images(
        self, split: str, per_class: int, seed: int, shuffled: bool = True
    ) -> tuple[np.ndarray, np.ndarray]:
        data = Typefaces(split, per_class, self.network.side, seed=seed)
        numbers = np.arange(len(data))
        if shuffled:
            numbers = np.random.default_rng(0).permutation(numbers)
        return np.stack([data.image(int(number)) for number in numbers]), data.labels[numbers]


def accuracy(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> float:
    """Share of images that are predicted right, in batches of 32 where they relate."""
    found = model.predict(images, batch_size=TEST_BATCH, verbose=0).argmax(-1)
    return float(np.mean(found == labels))
