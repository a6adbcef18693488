"""MixUp and CutMix of whole batches, by the layers of Keras."""

import threading
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

# On PyTorch, Keras draws from the Beta distribution by seeding the random state that all threads
# share.
ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Mixing:
    """MixUp, CutMix, or one of the two for each batch, on images of bytes.

    The mixed images are rounded to bytes again, which no photograph notices: they stay within
    0..255, and relations are computed on them as exactly and as fast as on others. RPE sees the
    images *after* mixing. An image that was mixed in share w with its neighbour j stands in
    w times its former difference from j, so their relation rises by 20·log10(1/w) dB: images that
    share pixels, and now share labels too, relate more.

    The draws depend on the generator that is passed alone, and on the backend, whose random
    numbers Keras's layers use.

    Args:
        mixup: Float in (0, 1], or `None` to leave it out: alpha of the Beta distribution from
            which `keras.layers.MixUp` draws each image's share in its mixture. Defaults to `None`.
        cutmix: Float in (0, 1], or `None` to leave it out: the same for the part of its area that
            an image keeps in `keras.layers.CutMix`. With both, either is used for half of the
            batches. Defaults to `None`.

    Raises:
        ValueError: If neither is given, or if one is out of its range.

    Example:

    >>> images = np.random.randint(0, 256, size=(4, 8, 8, 3)).astype("uint8")
    >>> mix = keras_rbi.datasets.Mixing(mixup=0.2)
    >>> mixed, labels = mix(images, np.eye(4, dtype="float32"), np.random.default_rng(0))
    >>> mixed.shape, mixed.dtype, labels.shape
    ((4, 8, 8, 3), dtype('uint8'), (4, 4))

    Reference:
        [Zhang et al., 2018](https://arxiv.org/abs/1710.09412),
        [Yun et al., 2019](https://arxiv.org/abs/1905.04899).
    """

    mixup: float | None = None
    cutmix: float | None = None

    def __post_init__(self) -> None:
        if self.mixup is None and self.cutmix is None:
            raise ValueError("Pass `mixup`, `cutmix` or both. Received: neither.")
        for name in ("mixup", "cutmix"):
            alpha = getattr(self, name)
            if alpha is not None and not 0.0 < alpha <= 1.0:
                raise ValueError(
                    f"`{name}` must be above 0 and at most 1, or None. Received: {name}={alpha!r}."
                )

    def __call__(
        self, images: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mixes a batch.

        Args:
            images: uint8 array of shape `(batch, height, width, 3)`.
            labels: float32 array of shape `(batch, classes)`, one-hot.
            rng: Random generator.

        Returns:
            The mixed images, of the same shape and dtype, and labels, whose rows still add up
            to 1.
        """
        # Drawn in any case, so that the seed below is the same for one kind and for two.
        cuts = bool(rng.random() < 0.5)
        seed = int(rng.integers(2**31))
        # Data threads leave accelerators to the model. Not "cpu:0", which fails on PyTorch.
        with ONE_AT_A_TIME, keras.device("cpu"):
            layer = self._layer(cuts, seed)
            mixed = layer({"images": images.astype("float32"), "labels": labels}, training=True)
            images, labels = (
                keras.ops.convert_to_numpy(mixed[name]) for name in ("images", "labels")
            )
        return np.rint(images).clip(0.0, 255.0).astype("uint8"), labels.astype("float32")

    def _layer(self, cuts: bool, seed: int) -> Any:
        # A new layer for each batch: one that keeps its random state would give a resumed run, or
        # threads that swap places, other batches.
        if self.mixup is None or (self.cutmix is not None and cuts):
            # Keras draws alpha itself, between two bounds.
            return keras.layers.CutMix(
                (self.cutmix, self.cutmix), seed, data_format="channels_last", dtype="float32"
            )
        return keras.layers.MixUp(
            self.mixup, data_format="channels_last", seed=seed, dtype="float32"
        )
