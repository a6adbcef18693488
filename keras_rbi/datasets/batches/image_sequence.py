"""Batches of a data set for Keras."""

import functools
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_rbi.datasets.augmentation import Augment, augmentation, with_source
from keras_rbi.datasets.batches.adapters import Adapters
from keras_rbi.datasets.batches.batches_ahead import BatchesAhead, Key
from keras_rbi.datasets.batches.sampling import (
    BALANCED,
    OBSERVATIONS,
    PK,
    SHUFFLED,
    balanced_order,
    batch_size_of,
    pk_order,
    shuffled_order,
)
from keras_rbi.datasets.batches.sequence_arguments import check_arguments
from keras_rbi.datasets.batches.shares import share_of
from keras_rbi.datasets.files.stack_images import stack_images
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.datasets.observations import observation_numbers

Batch = tuple[Any, ...]
FILLED = ("pad", "mask")
Mix = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


class ImageSequence(Adapters, keras.utils.PyDataset):
    """Batches `(images, labels)` of a data set, in an order that a seed and an epoch determine.

    Keras reorders the batches of a `PyDataset` but never their members. A model that learns
    from the other samples of a batch needs new ones in every epoch, so here the images themselves
    are shuffled. The order depends on the seed and the epoch alone, not on the backend or the
    workers. Call `fit` with `shuffle=False` to have the batches in it too: by default Keras
    reorders them.

    Args:
        data: An `ImageData`, such as those of `keras_rbi.datasets`.
        batch_size: Integer, images in a batch. Defaults to `None`, which is 32, and
            `classes_per_batch * images_per_class` with `sampling="pk"`.
        shuffle: `True` for a new order in every epoch, `"once"` for one shuffled order, `False`
            for that of the data. Defaults to `True`.
        seed: Integer, the seed of the order and of the augmentation. Defaults to `0`.
        augment: `"paper"`, `"torchvision"` or `"randaugment"`; a function of an image (uint8,
            `(height, width, 3)`) and a NumPy random generator that returns the image to train on;
            or `None`. Defaults to `None`.
        one_hot: Boolean, whether labels are rows of one 1 and zeros, float32 of shape
            `(batch, classes)`, rather than integers. Defaults to `False`.
        mix: Function of a batch of images, its one-hot labels and a NumPy random generator that
            returns the batch to train on, such as `Mixing`, or `None`. It takes `one_hot=True`.
            Defaults to `None`.
        sampling: How the images of an epoch are chosen, anew in each:

            * `"shuffled"`: every image once.
            * `"balanced"`: from every class as many, the mean size of a class, rounded up. Smaller
              classes repeat images, each as often as any other of its class, give or take once;
              larger ones leave some out, others in the next epoch.
            * `"pk"`: every batch has P classes with K images each, class by class. An epoch is
              `ceil(images / (P * K))` batches, all of them whole. Classes come round in turn, and
              the images of a class too, so that of two classes, or of two images of a class, none
              comes more than once more often. A batch repeats an image only where its class has
              fewer than K.
            * `"observations"`: as `"pk"`, of observations and not of classes. Every batch is so
              many observations, of `images_per_observation` images each, which come one after the
              other; observations come round in turn, of few images and of many alike.

            Classes without images do not count. Defaults to `"shuffled"`.
        classes_per_batch: Integer, P, with `sampling="pk"` alone. Defaults to `None`.
        images_per_class: Integer, K, with `sampling="pk"` alone. Defaults to `None`.
        images_per_observation: Integer, a divisor of the batch size, with
            `sampling="observations"` alone. Defaults to `None`.
        last_batch: What becomes of an epoch's last batch where it is not whole:

            * `"keep"`: it has fewer images.
            * `"drop"`: its images are left out, others in the next epoch.
            * `"pad"`: the epoch's first images fill it, and batches are `(images, labels,
              sample_weights)`: float32 of shape `(batch,)`, 1 for the batch's own images and 0
              for the filling. What fills are images like any, so that in training the others
              relate to as many others as elsewhere, but they count in no loss and in no weighted
              metric. The rows relate to them with `relations="batch"`; with `"self"` and
              `"references"` each row's prediction is what it is without them.

            Defaults to `"keep"`.
        workers: Integer, threads that prepare the next batches, and as many batches ahead; none
            with 0. Keras knows nothing of them: its own would mix epochs. Defaults to `2`.

    Raises:
        ValueError: If an argument is out of its range, or if the data is empty.

    Example:

    >>> data = keras_rbi.datasets.Typefaces("train", per_class=2)
    >>> batches = keras_rbi.datasets.ImageSequence(data, batch_size=8)
    >>> images, labels = batches[0]
    >>> images.shape, images.dtype, labels.shape
    ((8, 64, 64, 3), dtype('uint8'), (8,))
    """

    def __init__(
        self,
        data: ImageData,
        batch_size: int | None = None,
        shuffle: bool | str = True,
        seed: int = 0,
        augment: str | Augment | None = None,
        one_hot: bool = False,
        mix: Mix | None = None,
        workers: int = 2,
        sampling: str = SHUFFLED,
        classes_per_batch: int | None = None,
        images_per_class: int | None = None,
        last_batch: str = "keep",
        images_per_observation: int | None = None,
    ) -> None:
        super().__init__(workers=1)
        self.threads = workers
        self.start_threads()
        check_arguments(data, shuffle, one_hot, mix, sampling, last_batch)
        self.data = data
        self._share = (0, 1)
        self.last_batch = last_batch
        self.sampling = sampling
        self.classes_per_batch = classes_per_batch
        self.images_per_class = images_per_class
        self.images_per_observation = images_per_observation
        self._numbers_of_observations = (
            None
            if sampling != OBSERVATIONS or data.observations is None
            else observation_numbers(data.observations, data.labels)
        )
        self.batch_size: int = batch_size_of(
            sampling,
            batch_size,
            classes_per_batch,
            images_per_class,
            data.labels,
            images_per_observation,
            self._numbers_of_observations,
        )
        self.shuffle = shuffle
        self.seed = seed
        self.augment: Augment | None = augmentation(augment)
        self._source, self._augment = with_source(self.augment, data)
        self.one_hot = one_hot
        self.mix = mix
        # Shared with copies, which the adapters make.
        self._failures: list[ValueError] = []
        self.epoch = 0
        if len(self) == 0:
            raise ValueError(
                "No batch is left: last_batch='drop' and fewer images than one takes. Received: "
                f"{len(self._order)} images and batch_size={self.batch_size}."
            )

    def start_threads(self) -> None:
        """Threads of its own, which know no batch yet."""
        self._ahead = BatchesAhead(self.threads)

    @property
    def failure(self) -> ValueError | None:
        """The last error of an image that cannot be read; TensorFlow raises one of its own."""
        return self._failures[-1] if self._failures else None

    @property
    def is_whole(self) -> bool:
        """Whether the epoch in force is one from its beginning."""
        return self._first_step == 0

    @property
    def epoch(self) -> int:
        """The epoch whose order and augmentation are in force; set it to resume.

        Keras also ends an epoch when `fit` begins: the n-th epoch of the first `fit` is number n.
        """
        return self._epoch

    @epoch.setter
    def epoch(self, value: int) -> None:
        self._epoch = value
        self._first_step = 0
        self._fit_is_next = False
        self._order = self._order_of(value)

    def _order_of(self, epoch: int) -> np.ndarray:
        if self.shuffle is False:
            return np.arange(len(self.data))
        rng = np.random.default_rng([self.seed, 0 if self.shuffle == "once" else epoch])
        labels = self.data.labels
        if self.sampling == BALANCED:
            return balanced_order(labels, rng)
        if self.sampling == PK:
            assert self.classes_per_batch is not None
            assert self.images_per_class is not None
            return pk_order(labels, self.classes_per_batch, self.images_per_class, rng)
        if self._numbers_of_observations is not None:
            images = self.images_per_observation
            assert images is not None
            return pk_order(self._numbers_of_observations, self.batch_size // images, images, rng)
        return shuffled_order(labels, rng)

    def on_epoch_end(self) -> None:
        """Moves on to the next epoch; Keras calls it."""
        if self._fit_is_next:
            self._fit_is_next = False
        else:
            self.epoch += 1

    def resume(self, epoch: int, step: int = 0, before_fit: bool = False) -> None:
        """Leaves what an epoch has left after its first batches, as they are without interruption.

        The next epoch is a whole one again. `fit` takes the length of its first epoch for that of
        all, so have it finish the epoch (`epochs=1`), and call it anew for the others.

        Args:
            epoch: Integer, the epoch.
            step: Integer, number of its batches that are done. Defaults to `0`.
            before_fit: Boolean, whether `fit` is what comes next. Keras ends an epoch when `fit`
                begins; that end is then passed over. Defaults to `False`.

        Raises:
            ValueError: If the epoch has no batch left after so many.
        """
        self.epoch = epoch
        if not 0 <= step < len(self):
            raise ValueError(
                f"`step` must be at least 0 and below the batches of an epoch, {len(self)}. "
                f"Received: step={step!r}. Where all are done, resume the next epoch."
            )
        self._first_step = step
        self._fit_is_next = before_fit

    @property
    def class_names(self) -> list[str]:
        """Names of the classes, in the order of the labels."""
        return self.data.class_names

    @property
    def numbers(self) -> np.ndarray:
        """Numbers of the images in the order of this epoch, without what fills the last batch."""
        end = self._batches * self.batch_size
        return self._order[self._first_step * self.batch_size : end]

    @property
    def labels(self) -> np.ndarray:
        """Their labels."""
        return self.data.labels[self.numbers]

    @property
    def observations(self) -> list[str] | None:
        """What each image is of, in the same order, or `None` where that is not known."""
        known = self.data.observations
        return None if known is None else [known[number] for number in self.numbers.tolist()]

    @property
    def num_images(self) -> int:
        """Number of images in this epoch, without what fills the last batch."""
        return len(self.labels)

    def with_batch_size(self, batch_size: int, last_batch: str | None = None) -> "ImageSequence":
        """The same whole epoch in the same order, in batches of another size.

        Args:
            batch_size: Integer, images in a batch.
            last_batch: What becomes of the last one. Defaults to `None`, the same as here.

        Raises:
            ValueError: If the size is not positive, or not the only one that `"pk"` can have.
        """
        return self._with(self.data, batch_size, last_batch or self.last_batch)

    def at_size(self, image_size: int) -> "ImageSequence":
        """The same epoch of the same images at another size.

        Args:
            image_size: Integer, their side in pixels.

        Raises:
            ValueError: If the data has its images at no other size.
        """
        data = self.data.at_size(image_size)
        if data is None:
            raise ValueError(
                f"The images are {self.data.image_size} x {self.data.image_size} pixels and there "
                f"are none of {image_size} x {image_size}: only files can be read at any size."
            )
        return self._with(data, self.batch_size, self.last_batch)

    def _with(self, data: ImageData, batch_size: int, last_batch: str) -> "ImageSequence":
        sequence = ImageSequence(
            data,
            batch_size,
            self.shuffle,
            self.seed,
            self.augment,
            self.one_hot,
            self.mix,
            self.threads,
            self.sampling,
            self.classes_per_batch,
            self.images_per_class,
            last_batch,
            self.images_per_observation,
        )
        sequence.epoch = self.epoch
        return sequence

    def shared(self, process: int, processes: int) -> "ImageSequence":
        """The same batches, of which only the rows of one process are read.

        Args:
            process: Integer, the number of the process, from 0.
            processes: Integer, how many there are. Each must get a row of every batch.

        Raises:
            ValueError: If a batch has fewer rows than there are processes.
        """
        last = len(self._order) % self.batch_size
        last = last if last and self.last_batch == "keep" else self.batch_size
        if (fewest := min(last, self.batch_size)) < processes:
            raise ValueError(
                f"Every process must have images of every batch. Received: {processes} processes, "
                f"and a batch of {fewest}: {len(self._order):,} images in batches of "
                f"{self.batch_size}. Take another batch size, or fewer processes."
            )
        sequence = self.with_batch_size(self.batch_size)
        sequence._share = (process, processes)
        return sequence

    @property
    def _batches(self) -> int:
        batches = len(self._order) / self.batch_size
        return math.floor(batches) if self.last_batch == "drop" else math.ceil(batches)

    def __len__(self) -> int:
        return self._batches - self._first_step

    def __getitem__(self, index: int) -> Batch:
        if not -len(self) <= index < len(self):
            raise IndexError(f"There is no batch {index}: the epoch has {len(self)}.")
        index = index % len(self) + self._first_step
        make = functools.partial(self._batch, self._order)
        try:
            return self._ahead.get((self.epoch, index), make, self._batches)
        except ValueError as error:
            self._failures.append(error)
            raise

    def _batch(self, order: np.ndarray, key: Key, for_each: Callable[..., Any]) -> Batch:
        # The epoch may have moved on while a thread is at this.
        epoch, index = key
        members = order[index * self.batch_size : (index + 1) * self.batch_size]
        own = np.arange(self.batch_size) < len(members)
        if self.last_batch in FILLED:
            members = np.append(members, np.resize(order, self.batch_size - len(members)))
        mine = share_of(len(members), *self._share)
        if self.mix is None:
            # What is mixed is of rows of the whole batch.
            members, own = members[mine], own[mine]
        images = for_each(functools.partial(self._image, epoch), members)
        images = stack_images(images, len(members))
        labels = self.data.labels[members]
        if self.one_hot:
            labels = np.eye(len(self.class_names), dtype="float32")[labels]
        if self.mix is not None:
            # The last number keeps these draws apart from those of the image of the same number.
            rng = np.random.default_rng([self.seed, epoch, index, 1])
            images, labels = (each[mine] for each in self.mix(images, labels, rng))
            own = own[mine]
        if self.last_batch == "mask":
            return {"images": images, "mask": own}, labels, own.astype("float32")
        if self.last_batch == "pad":
            return images, labels, own.astype("float32")
        return images, labels

    def _image(self, epoch: int, member: int) -> np.ndarray:
        image = self._source.image(int(member))
        if self._augment is None:
            return image
        return self._augment(image, np.random.default_rng([self.seed, epoch, int(member)]))
