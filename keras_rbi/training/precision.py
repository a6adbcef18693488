"""The floating-point precision of a training run."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from keras_rbi.training.choices import FLOAT32, MIXED_BFLOAT16

# NVIDIA's GPUs from Ampere on have units for bfloat16; older ones compute it more slowly.
FIRST_CAPABILITY = 8.0


@contextmanager
def precision_of(policy: str | None) -> Iterator[None]:
    """Has layers that are made within it compute by a dtype policy.

    Weights are float32 by each of them. bfloat16 has the range of float32, so that gradients need
    no scaling, and 8 bits of it; relations are computed exactly by any policy.

    Args:
        policy: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`; `None` for `fitting_policy()`.
    """
    former = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy or fitting_policy())
    try:
        yield
    finally:
        keras.config.set_dtype_policy(former)


def fitting_policy() -> str:
    """`"mixed_bfloat16"` where an accelerator is faster by it, else `"float32"`.

    On processors it is slower where they have no instructions for it, and costs digits everywhere.
    """
    faster = {"tensorflow": _on_tensorflow, "jax": _on_jax, "torch": _on_torch}
    has_units = faster.get(keras.config.backend(), lambda: False)()
    return MIXED_BFLOAT16 if has_units else FLOAT32


def _on_tensorflow() -> bool:
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    found = (tf.config.experimental.get_device_details(device) for device in devices)
    versions = [details.get("compute_capability") for details in found]
    return bool(versions) and all(
        version is not None and version[0] >= FIRST_CAPABILITY for version in versions
    )


def _on_jax() -> bool:
    import jax

    devices = jax.local_devices()
    if all(device.platform == "tpu" for device in devices):
        return True
    versions = [getattr(device, "compute_capability", None) for device in devices]
    return all(version is not None and float(version) >= FIRST_CAPABILITY for version in versions)


def _on_torch() -> bool:
    import torch

    if not torch.cuda.is_available():
        return False
    return torch.cuda.get_device_capability()[0] >= FIRST_CAPABILITY
