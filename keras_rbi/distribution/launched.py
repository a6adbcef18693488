"""Which process of several this is, as the program that has started them says."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

# Number of processes, of this one, and whether one process needs the variables at all.
LAUNCHERS = (
    ("torchrun", "WORLD_SIZE", "RANK"),
    ("Keras", "KERAS_DISTRIBUTION_NUM_PROCESSES", "KERAS_DISTRIBUTION_PROCESS_ID"),
    ("mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
)
TF_CONFIG = "TF_CONFIG"


@dataclass(frozen=True)
class Launched:
    """A process among those of a run.

    Attributes:
        processes: How many there are.
        number: Which of them this is, from 0.
        launcher: What has started them; empty where this is alone.
    """

    processes: int = 1
    number: int = 0
    launcher: str = ""


def launched(environment: Mapping[str, str] | None = None) -> Launched:
    """The process that this is.

    Args:
        environment: Variables. Defaults to `None`, those of the process.

    Returns:
        A `Launched`.

    Raises:
        ValueError: If a variable is no number that it can be.

    Example:

    >>> from keras_rbi.distribution.launched import launched
    >>> launched({"WORLD_SIZE": "4", "RANK": "2"})
    Launched(processes=4, number=2, launcher='torchrun')
    """
    environment = os.environ if environment is None else environment
    for launcher, of_count, of_number in LAUNCHERS:
        if of_count not in environment or of_number not in environment:
            continue
        count, number = environment[of_count], environment[of_number]
        if not count.isdecimal() or not number.isdecimal() or int(number) >= int(count):
            raise ValueError(
                f"{launcher} numbers processes from 0 on. Received: {of_count}={count!r} and "
                f"{of_number}={number!r}. Unset both, or start the processes with {launcher}."
            )
        if int(count) > 1:
            return Launched(int(count), int(number), launcher)
    if workers := _workers(environment.get(TF_CONFIG, "")):
        return Launched(workers, 0, TF_CONFIG)
    return Launched()


def _workers(tf_config: str) -> int:
    """Workers of a cluster of TensorFlow's, or 0 for fewer than two."""
    if not tf_config:
        return 0
    try:
        cluster = json.loads(tf_config).get("cluster", {})
        count = len(cluster.get("worker", ())) + len(cluster.get("chief", ()))
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"TF_CONFIG is not the JSON of a cluster: {error}. Unset it.") from error
    return count if count > 1 else 0
