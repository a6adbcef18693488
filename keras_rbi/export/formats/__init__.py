"""The formats of an export, each in a folder of its own."""

import importlib.util
from collections.abc import Mapping, Sequence

from keras_rbi._backend import EXTRA_BY_BACKEND
from keras_rbi.export.formats import litert, onnx, openvino, tf_saved_model, torch
from keras_rbi.export.formats.format import Format

FORMATS: dict[str, Format] = {
    package.FORMAT.name: package.FORMAT
    for package in (tf_saved_model, onnx, openvino, litert, torch)
}
"""From the names of the formats to what writes and reads each."""


def format_named(name: str) -> Format:
    """The format of that name, or a `ValueError` that lists them."""
    if name not in FORMATS:
        known = ", ".join(map(repr, FORMATS))
        raise ValueError(f"`format` must be one of {known}. Received: format={name!r}.")
    return FORMATS[name]


def backend_for(name: str, current: str) -> str:
    """The backend that is to write a format.

    Args:
        name: Of the format.
        current: The backend in force, which is taken where it can.

    Raises:
        ValueError: If what the format needs is not installed, with the extra that brings it.
    """
    entry = format_named(name)
    _require(name, entry.packages)
    backends = sorted(entry.backends, key=lambda backend: backend != current)
    for backend in backends:
        if not _missing([backend]) and not _missing(list(entry.converters.get(backend, {}))):
            return backend
    backend = next((backend for backend in backends if not _missing([backend])), backends[0])
    extra = {backend: EXTRA_BY_BACKEND[backend], **entry.converters.get(backend, {})}
    _require(name, extra)
    raise AssertionError("Something that is missing was named.")


def _require(name: str, packages: Mapping[str, str]) -> None:
    if missing := _missing(list(packages)):
        extras = ",".join(dict.fromkeys(packages[package] for package in missing))
        raise ValueError(
            f"The format {name!r} needs {' and '.join(missing)}, which this environment does not "
            f'have. Install what is missing with `pip install "keras-rbi[{extras}]"`.'
        )


def _missing(packages: Sequence[str]) -> list[str]:
    return [package for package in packages if importlib.util.find_spec(package) is None]
