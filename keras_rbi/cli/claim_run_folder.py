"""The folder of a run of `keras-rbi train`."""

from contextlib import ExitStack
from pathlib import Path

from keras_rbi.distribution.launched import launched
from keras_rbi.file_lock import LockedError
from keras_rbi.training.process_folder import process_folder
from keras_rbi.training.run_folder import (
    RunFolder,
    free_run_folders,
    latest_run_folder,
    next_run_folder,
    remove_leftovers,
)
from keras_rbi.training.settings import TrainingSettings

RUNS = Path("runs")


def claim_run_folder(
    output: Path | None, resume: bool, settings: TrainingSettings, held: ExitStack
) -> RunFolder:
    """The folder of the run, in which no other process trains until `held` is closed."""
    if launched().number:
        # The first process has the run's own.
        return process_folder(RunFolder(folder_of_run(output, True, settings)) if resume else None)
    remove_leftovers(RUNS if output is None else output.parent)
    if output is None and not resume:
        for path in free_run_folders(RUNS, Path(settings.dataset).name):
            try:
                held.enter_context(RunFolder(path).locked())
                return RunFolder(path)
            except LockedError:
                # Another process has just begun in it.
                continue
    folder = RunFolder(folder_of_run(output, resume, settings))
    # First, lest a folder be touched that is none of a run.
    folder.check_start(settings, resume)
    held.enter_context(folder.locked())
    return folder


def folder_of_run(output: Path | None, resume: bool, settings: TrainingSettings) -> Path:
    """The folder that is named; else the latest, to go on with, or the next free one."""
    if output is not None:
        return output
    if resume:
        return latest_run_folder(RUNS)
    return next_run_folder(RUNS, Path(settings.dataset).name)
