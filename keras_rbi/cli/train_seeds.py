"""`keras-rbi train --seeds`."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_rbi.cli.claim_run_folder import folder_of_run
from keras_rbi.cli.output import fail, one_line_errors
from keras_rbi.cli.report import report_seeds
from keras_rbi.cli.train_run import train_run
from keras_rbi.seed_range import LARGEST_SEED
from keras_rbi.training.logging import Logging
from keras_rbi.training.run_folder import RunFolder
from keras_rbi.training.settings import TrainingSettings


def train_seeds(
    given: Mapping[str, Any], seeds: str, output: Path | None, download: bool, logging: Logging
) -> None:
    """Trains a model with each seed, and writes and prints their table."""
    if "seed" in given:
        fail("--seed and --seeds contradict each other. Leave out one.")
    words = seeds.replace(",", " ").split()
    if not words or not all(word.isdigit() for word in words):
        fail(f"--seeds takes integers, such as 0 1 2. Received: {seeds!r}.")
    numbers = list(map(int, words))
    if twice := [seed for seed, count in Counter(numbers).items() if count > 1]:
        fail(f"--seeds has {twice[0]} twice, and one seed makes one run. Received: {seeds!r}.")
    if beyond := [seed for seed in numbers if seed > LARGEST_SEED]:
        fail(f"--seeds takes integers from 0 to {LARGEST_SEED}. Received: {beyond[0]}.")
    with one_line_errors():
        parent = folder_of_run(output, False, TrainingSettings(**given).resolved())
    found = []
    for seed in numbers:
        folder = RunFolder(parent / f"seed-{seed}")
        settings = TrainingSettings(**given, seed=seed)
        if folder.is_finished:
            with one_line_errors():
                found.append(folder.read_metrics())
            continue
        begun = folder.settings.is_file()
        found.append(train_run(settings, folder.path, download and not begun, begun, logging)[1])
    report_seeds(parent, numbers, found)
