"""Samplers: the order of an epoch's images, from their labels and a random generator."""

from __future__ import annotations

import math

from keras_rbi._lazy import np
from keras_rbi.checks import positive_integer

SHUFFLED = "shuffled"
BALANCED = "balanced"
PK = "pk"
OBSERVATIONS = "observations"
SAMPLINGS = (SHUFFLED, BALANCED, PK, OBSERVATIONS)


def groups_in_turn(
    members: np.ndarray, size: int, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Groups of members, who come round in turn: each as often as any other, give or take once.

    Args:
        members: Distinct numbers, shape `(members,)`, at least one.
        size: Members of a group. It repeats one only where it is larger than all there are.
        count: Number of groups.
        rng: Random generator.

    Returns:
        Array of shape `(count, size)`.
    """
    groups = np.empty((count, size), members.dtype)
    waiting = members[:0]
    for group in groups:
        while len(waiting) < size:
            again = rng.permutation(members)
            # Whoever still waits comes last in the next round, so as not to meet himself.
            waits = np.isin(again, waiting)
            waiting = np.concatenate([waiting, again[~waits], again[waits]])
        group[:] = waiting[:size]
        waiting = waiting[size:]
    return groups


def members_of_classes(labels: np.ndarray) -> list[np.ndarray]:
    """Numbers of the images of each class that has any, in the order of the labels."""
    by_class = np.argsort(labels, kind="stable")
    return np.split(by_class, np.flatnonzero(np.diff(labels[by_class])) + 1)


def shuffled_order(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every image once, shuffled.

    Args:
        labels: Class of each image, shape `(images,)`.
        rng: Random generator.

    Returns:
        Array of shape `(images,)`.
    """
    return rng.permutation(len(labels))


def balanced_order(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As many images of each class, shuffled: the mean size of a class, rounded up.

    Smaller classes repeat images, each as often as any other of its class, give or take once;
    larger ones leave some out.

    Args:
        labels: Class of each image, shape `(images,)`.
        rng: Random generator.

    Returns:
        Array of shape `(classes * ceil(images / classes),)`.
    """
    members = members_of_classes(labels)
    each = math.ceil(len(labels) / len(members))
    drawn = [groups_in_turn(of_class, each, 1, rng)[0] for of_class in members]
    return rng.permutation(np.concatenate(drawn))


def pk_order(labels: np.ndarray, classes: int, images: int, rng: np.random.Generator) -> np.ndarray:
    """Batches of so many classes with so many images each.

    Classes come round in turn, and so do the images of each class.

    Args:
        labels: Class of each image, shape `(images,)`.
        classes: Classes of a batch, no more than there are.
        images: Images of each.
        rng: Random generator.

    Returns:
        Array of `ceil(len(labels) / (classes * images))` batches, one after the other. A batch
        has its images class by class.
    """
    members = members_of_classes(labels)
    batches = math.ceil(len(labels) / (classes * images))
    turns = groups_in_turn(np.arange(len(members)), classes, batches, rng).ravel()
    order = np.empty((len(turns), images), np.int64)
    # The places of each class, found at once: there may be ten thousand classes.
    places = np.split(np.argsort(turns, kind="stable"), np.cumsum(np.bincount(turns))[:-1])
    for number, where in enumerate(places):
        order[where] = groups_in_turn(members[number], images, len(where), rng)
    return order.ravel()


def batch_size_of(
    sampling: str,
    batch_size: int | None,
    classes_per_batch: int | None,
    images_per_class: int | None,
    labels: np.ndarray,
    images_per_observation: int | None = None,
    observations: np.ndarray | None = None,
) -> int:
    """The size of a batch, from what was asked for.

    Args:
        sampling: One of `SAMPLINGS`.
        batch_size: The size, or `None` for 32, and for P * K with `"pk"`.
        classes_per_batch: P with `"pk"`, else `None`.
        images_per_class: K with `"pk"`, else `None`.
        labels: Class of each image.
        images_per_observation: K with `"observations"`, else `None`. Defaults to `None`.
        observations: Number of each image's observation, with `"observations"`. Defaults to
            `None`.

    Returns:
        The size.

    Raises:
        ValueError: If one is not a positive integer, or if they contradict each other or the data.
    """
    if sampling == OBSERVATIONS and observations is not None:
        return _size_of_observations(batch_size, images_per_observation, observations)
    if images_per_observation is not None:
        raise ValueError(
            "`images_per_observation` is for sampling='observations'. Received: "
            f"sampling={sampling!r} and images_per_observation={images_per_observation!r}."
        )
    parts = {"classes_per_batch": classes_per_batch, "images_per_class": images_per_class}
    if sampling != PK:
        if any(value is not None for value in parts.values()):
            given = ", ".join(f"{name}={value!r}" for name, value in parts.items())
            raise ValueError(
                "`classes_per_batch` and `images_per_class` are for sampling='pk'. Received: "
                f"sampling={sampling!r} and {given}."
            )
        return positive_integer("batch_size", 32 if batch_size is None else batch_size)
    classes, images = (positive_integer(*part) for part in parts.items())
    if classes > (there := len(np.unique(labels))):
        raise ValueError(
            f"A batch cannot have more classes than have images, {there}. Received: "
            f"classes_per_batch={classes}."
        )
    if batch_size not in (None, classes * images):
        raise ValueError(
            f"`batch_size` must be classes_per_batch * images_per_class, {classes * images}, "
            f"with sampling='pk'. Received: batch_size={batch_size!r}. Leave it out."
        )
    return classes * images


def _size_of_observations(
    batch_size: int | None, images_per_observation: int | None, observations: np.ndarray
) -> int:
    images = positive_integer("images_per_observation", images_per_observation)
    size = positive_integer("batch_size", 32 if batch_size is None else batch_size)
    if size % images:
        raise ValueError(
            "`images_per_observation` must divide `batch_size`. Received: "
            f"images_per_observation={images} and batch_size={size}."
        )
    if size // images > (there := len(np.unique(observations))):
        raise ValueError(
            f"A batch of {size} takes {size // images} observations of {images} images, and the "
            f"data has {there:,}. Make batches smaller, or `images_per_observation` larger."
        )
    return size
