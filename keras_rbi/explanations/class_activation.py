"""The mathematics of class activation maps, from features and their gradients."""

import numpy as np
from keras import ops

from keras_rbi.explanations.methods import check_method


def class_activation(features: np.ndarray, gradients: np.ndarray, method: str) -> np.ndarray:
    """What features say for a score, place by place.

    With the map A and the gradients G = d score / d A of one image, both of shape
    `(height, width, channels)`:

    ```
    grad_cam    relu(sum_c mean_xy(G_xyc) * A_xyc)      Selvaraju et al., 2017
    hires_cam   relu(sum_c G_xyc * A_xyc)               Draelos and Carin, 2020
    layer_cam   relu(sum_c relu(G_xyc) * A_xyc)         Jiang et al., 2021
    ```

    Args:
        features: Array of shape `(batch, height, width, channels)`.
        gradients: Array of the same shape.
        method: `"grad_cam"`, `"hires_cam"` or `"layer_cam"`.

    Returns:
        float32 array of shape `(batch, height, width)`, 0 or above.

    Raises:
        ValueError: If there is no such method.

    Example:

    >>> from keras_rbi.explanations.class_activation import class_activation
    >>> features, gradients = np.array([[[[1.0], [2.0]]]]), np.array([[[[4.0], [-2.0]]]])
    >>> class_activation(features, gradients, "grad_cam").tolist()
    [[[1.0, 2.0]]]
    >>> class_activation(features, gradients, "hires_cam").tolist()
    [[[4.0, 0.0]]]
    """
    check_method(method)
    if method == "grad_cam":
        weights = gradients.mean((1, 2), keepdims=True)
    elif method == "hires_cam":
        weights = gradients
    else:
        weights = np.maximum(gradients, 0.0)
    return np.maximum((weights * features).sum(-1), 0.0).astype("float32")


def at_image_size(maps: np.ndarray, height: int, width: int) -> np.ndarray:
    """Maps at the size of their images, each divided by its largest value.

    Args:
        maps: Array of shape `(batch, rows, columns)`, 0 or above.
        height: Of the images, in pixels.
        width: Of the images, in pixels.

    Returns:
        float32 array of shape `(batch, height, width)`, values from 0 to 1. A map without anything
        above 0 stays 0.
    """
    resized = ops.image.resize(
        maps[..., None], (height, width), interpolation="bilinear", data_format="channels_last"
    )
    large = np.asarray(ops.convert_to_numpy(resized), "float32")[..., 0]
    largest = large.max((1, 2), keepdims=True)
    # Not only of 0: a subnormal number has no inverse.
    return np.where(largest > 1e-30, large / np.maximum(largest, 1e-30), 0.0).astype("float32")
