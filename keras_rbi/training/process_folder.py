"""The folder that a process of several trains in."""

import atexit
import shutil
import tempfile
from pathlib import Path

from keras_rbi.training.run_folder import RunFolder


def process_folder(folder: RunFolder | None) -> RunFolder:
    """A folder for a process that is not the first, which ends with the process.

    All processes keep the same state and come to the same decisions by it; the first alone keeps it
    where the run is.

    Args:
        folder: That of the run to go on with, which all processes must see; `None` for a new run.

    Returns:
        A `RunFolder`.
    """
    own = Path(tempfile.mkdtemp(prefix="keras-rbi-process-"))
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    path = own / "run"
    if folder is not None:
        shutil.copytree(folder.path, path, ignore=shutil.ignore_patterns(".lock", "examples"))
    return RunFolder(path)
