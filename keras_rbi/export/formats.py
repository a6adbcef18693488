"""The formats of an export: what each is written with, and what must be installed for it."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

from keras_rbi._backend import EXTRA_BY_BACKEND


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        suffix: Of its file; empty for a folder.
        backends: Backends that write it, the preferred one first.
        packages: Packages that it needs, whatever the backend, with the extras that bring them.
        converters: Packages that a backend needs besides, with their extras.
        precisions: Precisions of the weights that it has.
    """

    suffix: str
    backends: tuple[str, ...]
    packages: dict[str, str]
    converters: dict[str, dict[str, str]]
    precisions: tuple[str, ...] = ("float32",)


_ONNX = {"onnx": "onnx", "onnxruntime": "onnx"}
_TF2ONNX = {"tensorflow": {"tf2onnx": "onnx"}}

FORMATS = {
    "tf_saved_model": Format("", ("tensorflow",), {}, {}),
    "onnx": Format(
        ".onnx", ("tensorflow", "torch"), _ONNX, _TF2ONNX, precisions=("float32", "float16", "int8")
    ),
    "openvino": Format(
        ".xml",
        ("tensorflow", "torch"),
        {"openvino": "openvino"},
        {"torch": {"onnx": "onnx"}},
        precisions=("float32", "float16"),
    ),
    "litert": Format(
        ".tflite",
        ("tensorflow",),
        {"ai_edge_litert": "litert"},
        {},
        precisions=("float32", "float16", "int8"),
    ),
    "torch": Format(".pt2", ("torch",), {}, {}),
}


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


def _require(name: str, packages: dict[str, str]) -> None:
    if missing := _missing(list(packages)):
        extras = ",".join(dict.fromkeys(packages[package] for package in missing))
        raise ValueError(
            f"The format {name!r} needs {' and '.join(missing)}, which this environment does not "
            f'have. Install what is missing with `pip install "keras-rbi[{extras}]"`.'
        )


def _missing(packages: Sequence[str]) -> list[str]:
    return [package for package in packages if importlib.util.find_spec(package) is None]
