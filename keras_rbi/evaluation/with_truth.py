"""What is right of a prediction whose truth is known."""

from typing import Any


def with_truth(prediction: dict[str, Any], truth: str | None) -> dict[str, Any]:
    """A prediction with the class that the image is of, and whether the likeliest is that.

    Args:
        prediction: The prediction, with `top` as in `merged_shards`.
        truth: The class, or `None` where that is not known.

    Example:

    >>> from keras_rbi.evaluation.with_truth import with_truth
    >>> with_truth({"top": [{"class": "wren", "probability": 0.9}]}, "wren")["right"]
    True
    """
    right = None if truth is None else prediction["top"][0]["class"] == truth
    return {**prediction, "truth": truth, "right": right}
