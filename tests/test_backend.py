"""The choice of a backend at import, each case a fresh process."""

import importlib.util
import os
import subprocess
import sys

import pytest

HIDE = """
import importlib.util, sys
hidden = {hidden!r}
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in hidden else find_spec(name, *rest)
import keras_rbi, keras
print(keras.config.backend())
"""
BACKENDS = ("tensorflow", "jax", "torch")
INSTALLED = [name for name in BACKENDS if importlib.util.find_spec(name)]


def import_with(hidden, backend=None):
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    if backend:
        environment["KERAS_BACKEND"] = backend
    return subprocess.run(
        [sys.executable, "-c", HIDE.format(hidden=hidden)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def test_without_a_backend_the_message_names_the_extras():
    done = import_with(BACKENDS)
    assert done.returncode != 0
    for extra in BACKENDS:
        assert f'"keras-rbi[{extra}]"' in done.stderr


def test_a_missing_backend_that_was_asked_for_is_named():
    done = import_with(("jax",), backend="jax")
    assert 'pip install "keras-rbi[jax]"' in done.stderr


@pytest.mark.parametrize("backend", INSTALLED)
def test_an_installed_backend_is_found(backend):
    done = import_with(tuple(name for name in BACKENDS if name != backend))
    assert done.stdout.strip() == backend, done.stderr


def test_modules_do_not_import_backends_by_name():
    program = (
        "import sys, keras_rbi; "
        "print([name for name in ('tensorflow', 'jax', 'torch') "
        # Not by its name alone, which a package of ours may have.
        "if any(vars(module).get(name, 0) is sys.modules.get(name) "
        "for key, module in list(sys.modules.items()) "
        "if key.startswith('keras_rbi'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
