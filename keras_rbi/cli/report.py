"""What `keras-rbi train` prints at its end."""

import shlex
from collections.abc import Mapping
from typing import Any

from keras_rbi.cli.output import console, relations_table
from keras_rbi.cli.settings_options import as_arguments
from keras_rbi.models.methods import METHODS
from keras_rbi.training import RunFolder
from keras_rbi.training.choices import BACKBONE_ALONE, RBI

# What a backbone alone has no use for.
OF_RBI = ("rbi", "method", "variant", "relation_dropout", "share_classifier")


def report(
    folder: RunFolder, metrics: dict[str, Any], given: Mapping[str, Any] | None = None
) -> None:
    """Prints the accuracies of a finished run, and what to do next.

    Args:
        folder: The run.
        metrics: Its metrics.
        given: From the names of the options that the command was given to their values, or `None`
            where it was given none of the run's own.
    """
    console.print()
    console.print(
        relations_table(
            metrics["test_accuracy_by_relations"], metrics["test_images"], metrics["test_order"]
        )
    )
    console.print(
        f"[bold]Top-1 accuracy {100 * metrics['test_accuracy']:.1f} %[/bold] with relations "
        f"{metrics['relations']!r}, the mode that {folder.model} predicts in."
    )
    if metrics["test_note"]:
        console.print(metrics["test_note"])
    run = shlex.quote(str(folder.path))
    console.print("\nNext:")
    commands = [
        f"keras-rbi predict {run} {run}/examples/*.png",
        f"keras-rbi evaluate {run}",
        f"keras-rbi explain {run} {run}/examples",
    ]
    if given is not None:
        commands.append(baseline(given, metrics["settings"]["rbi"]))
    for command in commands:
        console.print(f"  {command}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"Curves: {folder.curves}", highlight=False)


def baseline(given: Mapping[str, Any], rbi: bool) -> str:
    """The command that trains what a run is to be compared with.

    Args:
        given: From the names of options to their values, those of the run.
        rbi: Whether the run integrates relations, and its baseline does not.

    Returns:
        The command, for a shell.

    Example:

    >>> from keras_rbi.cli.report import baseline
    >>> baseline({"dataset": "my birds", "seed": 1, "variant": "paper"}, rbi=True)
    "keras-rbi train --dataset 'my birds' --seed 1 --no-rbi"
    >>> baseline({"method": "herbs"}, rbi=False)
    'keras-rbi train --method herbs-rbi'
    """
    kept = {name: value for name, value in given.items() if name not in OF_RBI}
    words = ["keras-rbi", "train", *as_arguments(kept)]
    method = METHODS.get(str(given.get("method")))
    if method is not None and method.baseline not in (None, RBI, BACKBONE_ALONE):
        return shlex.join([*words, "--method", str(method.baseline)])
    if rbi:
        words.append("--no-rbi")
    return shlex.join(words)
