"""Heads on known features, several runs at once, on JAX.

A step is that of Keras, `train_step`. Steps are a loop of XLA and runs an axis of its arrays, so
that a head of a frozen backbone takes a second and not a minute.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import jax
import keras
import numpy as np
from jax import numpy as jnp

from applications.paper.regimes.columns import COLUMNS
from applications.paper.regimes.known_features import CLASSES, IMAGE_SIZE, WIDTH, KnownFeatures
from applications.paper.regimes.related_head import RelatedHead, related_head
from keras_rbi import RectifiedAdam
from keras_rbi.layers import RPE

TEST_BATCH = 32
# Steps that are compiled as one loop.
STEPS = 100


@dataclass(frozen=True)
class HeadRun:
    """What one head is trained on.

    Attributes:
        seed: Of its first weights and dropout.
        features: Shape `(images, features)`.
        targets: One-hot labels, `(images, classes)`.
        orders: Numbers of images, `(steps, batch)`, steps a multiple of `STEPS`.
        relations: S of each batch, `(steps, batch, batch)`; `(steps, 0, 0)` where none relates.
        rates: Learning rates, `(steps,)`.
    """

    seed: int
    features: Any
    targets: Any
    orders: Any
    relations: Any
    rates: Any


@partial(jax.jit, static_argnums=(0, 1))
def _relations(epsilon: float, normalize: bool, batches: Any) -> Any:
    rpe = RPE(epsilon=epsilon, normalize=normalize)
    return jax.lax.map(lambda images: rpe(images, training=True), batches)


def relations_of_batches(rpe: RPE | None, images: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """S of each batch as in training, shape `(steps, batch, batch)`, or `(steps, 0, 0)`."""
    if rpe is None:
        return np.zeros((len(orders), 0, 0), "float32")
    parts = [
        np.asarray(_relations(rpe.epsilon, rpe.normalize, images[orders[first : first + 50]]))
        for first in range(0, len(orders), 50)
    ]
    return np.concatenate(parts)


@cache
def stand_in() -> keras.Model:
    """A backbone as wide as the one whose features are known, which is never run."""
    images = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3))
    return keras.Model(images, keras.layers.Conv2D(WIDTH, 1, use_bias=False)(images))


def new_head(column: str, seed: int) -> RelatedHead:
    """A head of a column, compiled and built."""
    keras.utils.set_random_seed(seed)
    names = [str(number) for number in range(CLASSES)]
    whole = COLUMNS[column].make(stand_in(), class_names=names, preprocessing=None)
    head = related_head(whole)
    # The rate is set at each step.
    head.compile(RectifiedAdam(0.1), "categorical_crossentropy")
    head([keras.Input((WIDTH,)), keras.Input((None,))])
    head.optimizer.build(head.trainable_variables)
    return head


class HeadTrainer:
    """Trains and tests the heads of a column, with what is compiled kept.

    Args:
        column: Its name.
    """

    def __init__(self, column: str) -> None:
        self.column = column
        self.head = new_head(column, 0)
        self.rpe: RPE | None = self.head.whole.rpe
        self._names = [variable.name for variable in self.head.optimizer.variables]
        self._train = jax.jit(jax.vmap(self._loop))
        self._predict: dict[str | None, Any] = {}
        self._states: dict[int, Any] = {}

    def train(self, runs: Sequence[HeadRun]) -> Any:
        """Trains a head for each run.

        Args:
            runs: Of equal shapes.

        Returns:
            What `accuracies` takes.
        """
        state = _stacked([self._state(run.seed) for run in runs])
        fixed = [_stacked([getattr(run, name) for run in runs]) for name in ("features", "targets")]
        for first in range(0, len(runs[0].rates), STEPS):
            now = [
                _stacked([getattr(run, name)[first : first + STEPS] for run in runs])
                for name in ("orders", "relations", "rates")
            ]
            state = self._train(state, *fixed, *now)
        return state[:2]

    def accuracies(
        self, trained: Any, images: Sequence[KnownFeatures], relate: str | None = None
    ) -> np.ndarray:
        """Shares of images that are predicted right, by each run's head.

        Args:
            trained: As `train` gives it.
            images: For each run, in shuffled order; what a batch of 32 lacks is left out.
            relate: `"self"`, or `"batch"` for batches of 32. Defaults to `None`, as the column.
        """
        relate = relate or self.head.whole.relations
        if relate not in self._predict:
            self._predict[relate] = jax.jit(jax.vmap(partial(self._predictions, relate)))
        steps = len(images[0].labels) // TEST_BATCH
        orders = np.arange(steps * TEST_BATCH).reshape(steps, TEST_BATCH)
        relations = {id(one): self._related(one, orders, relate) for one in images}
        found = self._predict[relate](
            *trained,
            _stacked([one.features[orders] for one in images]),
            _stacked([relations[id(one)] for one in images]),
        )
        labels = np.stack([one.labels[orders] for one in images])
        return (np.asarray(found) == labels).mean((1, 2))

    def _related(self, images: KnownFeatures, orders: np.ndarray, relate: str | None) -> np.ndarray:
        relations = relations_of_batches(self.rpe, images.images, orders)
        if relate != "self":
            return relations
        return np.diagonal(relations, axis1=1, axis2=2)[..., None]

    def _state(self, seed: int) -> Any:
        """The variables of a new head and its optimizer, as `train_step` takes them."""
        if seed not in self._states:
            head = new_head(self.column, seed)
            kinds = (
                head.trainable_variables,
                head.non_trainable_variables,
                head.optimizer.variables,
                head.metrics_variables,
            )
            self._states[seed] = tuple([np.asarray(one.value) for one in kind] for kind in kinds)
        return self._states[seed]

    def _loop(
        self, state: Any, features: Any, targets: Any, orders: Any, relations: Any, rates: Any
    ) -> Any:
        def step(state: Any, now: Any) -> Any:
            rows, related, rate = now
            trainable, others, of_optimizer, metrics = state
            of_optimizer = [
                rate if name == "learning_rate" else value
                for name, value in zip(self._names, of_optimizer, strict=True)
            ]
            batch = (features[rows], related), targets[rows]
            _, state = self.head.train_step((trainable, others, of_optimizer, metrics), batch)
            return state, None

        return jax.lax.scan(step, state, (orders, relations, rates))[0]

    def _predictions(
        self, relate: str | None, trainable: Any, others: Any, features: Any, relations: Any
    ) -> Any:
        def one(batch: Any) -> Any:
            outputs, _ = self.head.stateless_call(trainable, others, batch, training=False)
            return jnp.argmax(outputs, -1)

        if relate is None:
            return jax.lax.map(one, (features, relations))
        # Read where this is traced.
        with self.head.whole.use_relations(relate):
            return jax.lax.map(one, (features, relations))


def _stacked(values: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *each: jnp.stack(each), *values)


@cache
def trainer_of(column: str) -> HeadTrainer:
    """The trainer of a column, which keeps what is compiled."""
    return HeadTrainer(column)
