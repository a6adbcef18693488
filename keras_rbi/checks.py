"""Checks of arguments, each with one line that says what was expected and what was given."""

import numbers
from collections.abc import Collection
from typing import Any


def integer(name: str, value: Any) -> int:
    """Returns the value as an `int`, or raises a `ValueError` if it is no integer."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise ValueError(f"`{name}` must be an integer. Received: {name}={value!r}.")
    return int(value)


def positive_integer(name: str, value: Any) -> int:
    """Returns the value as an `int`, or raises a `ValueError` if it is no positive integer."""
    integral = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not integral or int(value) < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}.")
    return int(value)


def positive_number(name: str, value: Any) -> float:
    """Returns the value as a `float`, or raises a `ValueError` if it is no positive number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not float(value) > 0:
        raise ValueError(f"`{name}` must be a positive number. Received: {name}={value!r}.")
    return float(value)


def probability(name: str, value: Any) -> float:
    """Returns the value, or raises a `ValueError` if it is no number in [0, 1]."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not 0.0 <= value <= 1.0:
        raise ValueError(
            f"`{name}` must be a probability between 0 and 1. Received: {name}={value!r}."
        )
    return value


def one_of(name: str, value: Any, choices: Collection[Any]) -> Any:
    """Returns the value, or raises a `ValueError` that names the choices."""
    if value not in choices:
        known = ", ".join(map(repr, choices))
        raise ValueError(f"`{name}` must be one of {known}. Received: {name}={value!r}.")
    return value
