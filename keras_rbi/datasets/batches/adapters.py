"""Adapters for tf.data and for PyTorch's DataLoader."""

import copy
import importlib.util
import itertools
from collections.abc import Iterator
from typing import Any


class Adapters:
    """Gives an `ImageSequence` to those who want another kind of loader."""

    def as_tf_dataset(self, looked_into: bool = False) -> Any:
        """The batches as a `tf.data.Dataset`: the same samples in the same order.

        Each iteration is an epoch: the first is the one that the sequence is at, and one that is
        carried to its end moves on to the next. The sequence itself stays where it is.

        Args:
            looked_into: Boolean, whether the first iteration is no epoch, however far it is
                carried. Under a `tf.distribute` strategy Keras's `fit` begins with one, of which
                it takes a batch, while what comes after that is read ahead. Defaults to `False`.

        Returns:
            A `tf.data.Dataset` of `(images, labels)`, and of sample weights with
            `last_batch="pad"` and `"mask"`.

        Raises:
            ValueError: If TensorFlow is not installed.
        """
        _require("tensorflow", "as_tf_dataset()")
        import tensorflow as tf

        sequence: Any = self._apart()
        whole = sequence.last_batch != "keep" or len(sequence.labels) % sequence.batch_size == 0
        rows = sequence.batch_size if whole else None
        specs = tf.nest.map_structure(
            lambda part: tf.TensorSpec((rows, *part.shape[1:]), tf.as_dtype(part.dtype)),
            sequence[0],
        )
        iterations = itertools.count()

        def iteration() -> Iterator[Any]:
            # What goes on reading ahead must not share its place with the epochs.
            is_epoch = next(iterations) > 0 or not looked_into
            return _epoch_of(sequence if is_epoch else sequence._apart())

        batches = tf.data.Dataset.from_generator(iteration, output_signature=specs)
        # An epoch that is resumed in the middle is shorter than those after it.
        if sequence.is_whole:
            batches = batches.apply(tf.data.experimental.assert_cardinality(len(sequence)))
        # There is nothing to tune, and the thread that would do it sleeps for as long as the epoch
        # has lasted: at times its end waits for that.
        options = tf.data.Options()
        options.autotune.enabled = False
        return batches.with_options(options).prefetch(1)

    def as_torch_dataloader(self) -> Any:
        """The batches as a `torch.utils.data.DataLoader`: the same samples in the same order.

        Each iteration is an epoch, as with `as_tf_dataset`. Images stay uint8 of shape `(batch,
        height, width, 3)`; `images.permute(0, 3, 1, 2)` puts the channels first. The sequence's own
        threads prepare the batches, so the loader has no worker processes.

        Returns:
            A `DataLoader` of lists `[images, labels]`, and of sample weights with
            `last_batch="pad"` and `"mask"`.

        Raises:
            ValueError: If PyTorch is not installed.
        """
        _require("torch", "as_torch_dataloader()")
        from torch.utils.data import DataLoader, IterableDataset

        sequence: Any = self._apart()

        class Batches(IterableDataset[Any]):
            def __len__(self) -> int:
                return len(sequence)

            def __iter__(self) -> Iterator[Any]:
                return _epoch_of(sequence)

        return DataLoader(Batches(), batch_size=None)

    def _apart(self) -> Any:
        """A copy that goes through epochs of its own."""
        other: Any = copy.copy(self)
        other.start_threads()
        return other


def _epoch_of(sequence: Any) -> Iterator[Any]:
    for index in range(len(sequence)):
        yield sequence[index]
    sequence.on_epoch_end()


def _require(package: str, what: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise ValueError(
            f"{what} needs {package}, which is not installed. Install it: pip install "
            f"'keras-rbi[{package}]'"
        )
