"""The devices that a training run has, on any engine."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import keras

from keras_rbi._lazy import resolve
from keras_rbi.distribution.launched import TF_CONFIG, Launched, launched

AUTO = "auto"
ENGINES = {
    name: f"keras_rbi.distribution.{name}_devices" for name in ("jax", "tensorflow", "torch")
}


def _nothing(*_: Any) -> None:
    return None


@dataclass(frozen=True)
class Devices:
    """Devices, and what they ask of a model and of the batches that it is fitted to.

    Attributes:
        of_process: Number of devices of this process.
        process: Which process this is, of how many.
        scope: Makes the context in which a model must be made and compiled to be fitted.
        before_fit: Called with a compiled model before it is fitted.
        before_test: Called with a model before it is validated.
        leave: Called where processes part for good: the rest is for one alone.
        ends_with_leave: Called where every good end comes after `leave`: a process that ends
            without it then lets none of the others wait.
        is_elsewhere: Whether a model must be made anew within `scope`.
        looks_into_data: Whether `fit` reads a batch before it trains on any.
        whole_batches: Whether all batches must have the same number of images.
        scales_losses: Whether losses can be scaled on them, which `mixed_float16` needs.
        check_replica_scope: Called where images are to relate to those of their device alone;
            refuses it where no device knows its share.
    """

    of_process: int = 1
    process: Launched = field(default_factory=Launched)
    scope: Callable[[], AbstractContextManager[Any]] = nullcontext
    before_fit: Callable[[keras.Model], None] = _nothing
    before_test: Callable[[keras.Model], None] = _nothing
    leave: Callable[[], None] = _nothing
    ends_with_leave: Callable[[], Any] = _nothing
    is_elsewhere: bool = False
    looks_into_data: bool = False
    whole_batches: bool = False
    scales_losses: bool = True
    check_replica_scope: Callable[[], None] = _nothing

    @property
    def count(self) -> int:
        """Number of devices of all processes."""
        return self.of_process * self.process.processes

    @property
    def is_first(self) -> bool:
        """Whether this process writes what there is to write."""
        return self.process.number == 0


def start_devices(asked: str = "1") -> Devices:
    """Finds the devices, and the other processes of the run. To be called before a model is made.

    Args:
        asked: `"auto"` for all devices of the process, or how many. Defaults to `"1"`.

    Returns:
        A `Devices`.

    Raises:
        ValueError: If there are fewer, or if the engine cannot use several.
    """
    process, engine = launched(), ENGINES.get(keras.config.backend())
    if engine is None:
        if process.processes > 1 or asked not in (AUTO, "1"):
            raise ValueError(
                f"The backend {keras.config.backend()!r} has one device. Use TensorFlow, JAX or "
                "PyTorch."
            )
        return Devices()
    if process.launcher == TF_CONFIG and keras.config.backend() != "tensorflow":
        raise ValueError(
            f"{TF_CONFIG} names workers of TensorFlow. Received: it, with the backend "
            f"{keras.config.backend()!r}. Unset it; docs/scaling.md has what starts several "
            "processes."
        )
    found: Devices = resolve(engine + ":start")(asked, process)
    return found


def number_of(asked: str, there: int, what: str) -> int:
    """How many devices to use.

    Args:
        asked: `"auto"` or a number.
        there: How many there are.
        what: What they are.

    Returns:
        The number.

    Raises:
        ValueError: If there are not so many.
    """
    if asked == AUTO:
        return there
    if int(asked) > there:
        raise ValueError(
            f"There are not so many devices. Received: {asked}, with {there} of {what}. Ask for "
            "fewer, or for `auto`."
        )
    return int(asked)
