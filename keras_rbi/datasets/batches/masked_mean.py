"""Masked batches whose mean loss is that of their own images."""

import keras
import numpy as np

from keras_rbi.datasets.batches.image_sequence import Batch, ImageSequence


class MaskedMean(keras.utils.PyDataset):
    """Batches of one size, of which what fills them counts for nothing.

    Keras divides a loss by all rows of a batch, those of weight 0 too. Here the others weigh the
    more, so that a last batch teaches as much as if it were as short as it is.

    Args:
        batches: An `ImageSequence` with `last_batch="mask"`.
        images: Integer, own images of the last batch.
    """

    def __init__(self, batches: ImageSequence, images: int) -> None:
        super().__init__(workers=1)
        self._batches, self._images = batches, images

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> Batch:
        images, labels, weights = self._batches[index]
        own = self._images if index == len(self) - 1 else self._batches.batch_size
        return images, labels, weights * np.float32(self._batches.batch_size / own)

    def on_epoch_end(self) -> None:
        """Moves on to the next epoch; Keras calls it."""
        self._batches.on_epoch_end()
