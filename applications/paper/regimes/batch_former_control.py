"""The control of BatchFormer: the same transformer layer, whose images attend to themselves."""

from keras import ops

from keras_rbi.models.baselines import BatchFormer, BatchFormerModel
from keras_rbi.types import Tensor


class AttendsToItself(BatchFormer):
    """A `BatchFormer` in which each image is a sequence of its own."""

    def attend(self, features: Tensor) -> Tensor:
        """What attention to itself alone gives each image."""
        sequence = ops.expand_dims(features, 1)
        return ops.squeeze(self.attention(sequence, sequence, training=True), 1)


class BatchFormerControl(BatchFormerModel):
    """A `BatchFormerModel` whose images never relate."""

    def make_batch_former(self) -> BatchFormer:
        """The layer that changes features in training."""
        return AttendsToItself(name="batch_former")
