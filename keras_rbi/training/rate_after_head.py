"""The learning rate of all, by what a head on the features as they are is worth."""

# From so much of the validation images on, the features suit the data.
SUITS, SUITS_SOMEWHAT = 0.9, 0.8
NEAR, BETWEEN, FAR = 1e-3, 3e-3, 6e-3


def rate_after_head(accuracy: float) -> float:
    """The peak of the learning rate with which a network is trained after its head.

    Where a head on the features of a pretrained backbone gets most images right, the backbone sees
    what matters, and a high rate would take it from it. Where it does not, the backbone has far to
    go.

    Args:
        accuracy: Of the head on validation images, 0 to 1.

    Returns:
        Float.

    Example:

    >>> from keras_rbi.training.rate_after_head import rate_after_head
    >>> [rate_after_head(accuracy) for accuracy in (0.95, 0.85, 0.4)]
    [0.001, 0.003, 0.006]
    """
    if accuracy >= SUITS:
        return NEAR
    return BETWEEN if accuracy >= SUITS_SOMEWHAT else FAR
