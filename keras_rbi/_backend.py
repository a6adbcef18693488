"""The backend that Keras is to run on: one that is installed."""

import importlib.util
import os
import sys
from contextlib import suppress

EXTRA_BY_BACKEND = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}


def choose_backend() -> None:
    """Makes Keras use a backend that is installed, if there is one and none was asked for."""
    with suppress(ImportError):
        require_backend()


def require_backend() -> None:
    """Makes Keras use an installed backend, or says how to install one.

    `KERAS_BACKEND` is left alone where it is set, and so is a Keras that is imported already.
    Otherwise Keras would take TensorFlow, whether it is installed or not.

    Raises:
        ImportError: If no backend is installed, or not the one that was asked for.
    """
    if "keras" in sys.modules:
        return
    asked = os.environ.get("KERAS_BACKEND")
    installed = [name for name in EXTRA_BY_BACKEND if importlib.util.find_spec(name)]
    if asked in EXTRA_BY_BACKEND and asked not in installed:
        raise ImportError(
            f"KERAS_BACKEND is {asked!r}, which is not installed. Install it with "
            f'`pip install "keras-rbi[{EXTRA_BY_BACKEND[asked]}]"`'
            + (f", or set KERAS_BACKEND to {' or '.join(installed)}." if installed else ".")
        )
    if not asked and not installed:
        extras = ", ".join(f'"keras-rbi[{extra}]"' for extra in EXTRA_BY_BACKEND.values())
        raise ImportError(
            "keras-rbi runs on TensorFlow, JAX or PyTorch, and none of them is installed. Install "
            f"one with pip: {extras}."
        )
    if not asked and "tensorflow" not in installed:
        os.environ["KERAS_BACKEND"] = installed[0]
