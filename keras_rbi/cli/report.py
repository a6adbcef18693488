"""What `keras-rbi train` prints at its end."""

import shlex
from typing import Any

from keras_rbi.cli.output import console, relations_table
from keras_rbi.training import RunFolder


def report(folder: RunFolder, metrics: dict[str, Any]) -> None:
    """Prints the accuracies of a finished run, and what to do next.

    Args:
        folder: The run.
        metrics: Its metrics.
    """
    console.print()
    console.print(
        relations_table(
            metrics["test_accuracy_by_relations"], metrics["test_images"], metrics["test_order"]
        )
    )
    console.print(
        f"[bold]Top-1 accuracy {100 * metrics['test_accuracy']:.1f} %[/bold] with relations "
        f"{metrics['relations']!r}, the mode that {folder.model} answers in."
    )
    if metrics["test_note"]:
        console.print(metrics["test_note"])
    run = shlex.quote(str(folder.path))
    console.print("\nNext:")
    for command in (
        f"keras-rbi predict {run} {run}/examples/*.png",
        f"keras-rbi evaluate {run}",
        f"keras-rbi explain {run} {run}/examples",
        "keras-rbi train --no-rbi" if metrics["settings"]["rbi"] else "keras-rbi train",
    ):
        console.print(f"  {command}", highlight=False)
    console.print(f"Curves: {folder.curves}", highlight=False)
