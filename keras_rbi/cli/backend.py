"""The backend, imported when a command needs it, and quiet about itself."""

import atexit
import importlib
import logging
import os
import re
import signal
import sys
import threading
import time
import warnings

from keras_rbi._backend import require_backend
from keras_rbi.cli.output import doing, fail

TITLES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
# What TensorFlow, XLA and oneDNN log in C++, of which variables silence a part. A level of F, for
# fatal, is none of them.
NOISE = re.compile(
    rb"^(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: |)[IWE](?:\d{4} | )"
    rb"|^WARNING: All log messages before absl::InitializeLog\(\)"
    rb"|^To enable the following instructions:"
    rb"|^INFO: Created TensorFlow Lite XNNPACK delegate"
    rb"|^\[Gloo\] Rank \d+ is connected to"
    # What follows an error of JAX's coordinator that is told anyway: numbers of processes.
    rb"|^\d+$|^The tasks have crashed\. Check the task logs"
)
# What JAX's coordinator aborts a process with, over many lines, when another one is gone.
FATAL = re.compile(rb"^F\d{4} .*the JAX distributed service detected fatal errors")
GONE = (
    b"Another process of the run has ended, and this one with it. Go on after the last finished "
    b"epoch: start all of them again, with `train --resume --output FOLDER`."
)
# Seconds for which the end of a command waits for what its filter still has to write.
PATIENCE = 1.0
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR", "ABSL_MIN_LOG_LEVEL": "2"}


def start_backend() -> None:
    """Imports Keras and its backend, which takes seconds, and says so.

    Ends the command with one line where no backend is installed.
    """
    for name in ("tensorflow", "absl", "jax"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if "keras" in sys.modules:
        return
    try:
        require_backend()
    except ImportError as error:
        fail(str(error))
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    with doing(f"Starting {TITLES.get(backend, backend)}"):
        importlib.import_module("keras")


def quiet_process() -> None:
    """Keeps what libraries log to the error stream, in C++ or as warnings, from the user.

    For the command's own process, whose error stream it replaces: what Python prints goes through
    as it is, what is written to the file descriptor goes through a filter. That is a process of
    its own where there can be one, so that the last words of a crash are not lost.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    try:
        shown = os.dup(2)
        reader, writer = os.pipe()
    except OSError:
        # No error stream, as of some services: nothing to keep clean.
        return
    if not hasattr(os, "fork"):
        threading.Thread(target=_filter, args=(reader, shown), daemon=True).start()
    elif not (child := os.fork()):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.close(writer)
        for stream in (0, 1, 2):
            os.close(stream)
        _filter(reader, shown)
        os._exit(0)
    else:
        os.close(reader)
        atexit.register(_end_filter, shown, child)
    os.dup2(writer, 2)
    os.close(writer)
    sys.stderr = open(  # noqa: SIM115, open to the end
        shown, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


def quiet_output() -> None:
    """Keeps what libraries print in C++ off the standard output: it goes where their logs go.

    Gloo does so, in each of several processes, which `--json` promises an object.
    """
    sys.stdout.flush()
    try:
        shown = os.dup(sys.stdout.fileno())
        os.dup2(2, 1)
    except (OSError, ValueError):
        # No such stream, or one that is none of the process: a test's.
        return
    sys.stdout = open(  # noqa: SIM115, open to the end
        shown, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


def _filter(reader: int, shown: int) -> None:
    is_gone = False
    with os.fdopen(reader, "rb") as lines:
        for line in lines:
            if FATAL.match(line):
                os.write(shown, b"Error: " + GONE + b"\n")
                is_gone = True
            elif not is_gone and not NOISE.match(line):
                os.write(shown, line)


def _end_filter(shown: int, child: int) -> None:
    """Lets the filter write what it has, which ends when nothing can be written to it any more."""
    os.dup2(shown, 2)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.001)
