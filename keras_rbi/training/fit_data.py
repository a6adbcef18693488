"""Batches of a sequence in the form that `fit` takes."""

from typing import Any

import keras

from keras_rbi.datasets.batches.image_sequence import ImageSequence


def fit_data(sequence: ImageSequence, epoch: int = 0, looked_into: bool = False) -> Any:
    """Data for `fit` that goes through a sequence from an epoch on.

    On TensorFlow Keras would make a pipeline of the sequence whose epochs at times end seconds
    late; the sequence's own does not. Other backends take the sequence.

    Args:
        sequence: The batches.
        epoch: Integer, how many epochs are done. Defaults to `0`.
        looked_into: Boolean, whether `fit` reads a batch before it trains, as it does under a
            `tf.distribute` strategy. Defaults to `False`.

    Returns:
        What to pass to `fit`, with `shuffle=False`: the batches are shuffled already, by the seed.
        Keras would reorder them by a random state that a resumed run does not have.
    """
    sequence.epoch = epoch
    if keras.config.backend() != "tensorflow":
        return sequence
    # Of a sequence Keras begins with the next epoch, of tf.data with this.
    sequence.epoch = epoch + 1
    return sequence.as_tf_dataset(looked_into)
