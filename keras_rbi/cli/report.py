"""What `keras-rbi train` prints at its end."""

import shlex
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_rbi.cli.output import advise, asked, console, one_line, print_json
from keras_rbi.cli.settings_options import as_arguments
from keras_rbi.models.methods import METHODS
from keras_rbi.training.choices import BACKBONE_ALONE, RBI
from keras_rbi.training.run_folder import RunFolder

# What a backbone alone has no use for.
OF_RBI = (
    "rbi",
    "method",
    "variant",
    "embedding_dim",
    "relation_dropout",
    "share_classifier",
    "group_size",
    "relation_scope",
)


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
    if not asked.quiet:
        console.print()
    console.print(headline(folder, metrics), highlight=False, soft_wrap=True, markup=True)
    if metrics["test_note"]:
        console.print(metrics["test_note"])
    if kept := kept_epoch(metrics):
        console.print(kept, highlight=False, soft_wrap=True)
    run = shlex.quote(str(folder.path))
    advise("")
    advise("Next:")
    commands = [
        f"keras-rbi predict {run} {run}/examples",
        f"keras-rbi evaluate {run}",
        f"keras-rbi explain {run} {run}/examples",
    ]
    if given is not None:
        commands.append(baseline(given, metrics["settings"]["rbi"]))
    for command in commands:
        advise(f"  {command}")
    console.print(f"Curves: {one_line(str(folder.curves))}", highlight=False)


def headline(folder: RunFolder, metrics: Mapping[str, Any]) -> str:
    """The result in one line: the accuracy, what it is of, and that of the baseline if known."""
    chance = 100 / max(1, metrics.get("classes", 0) or 1)
    known = (
        f", {metrics['classes']} classes (chance: {chance:.1f} %)" if "classes" in metrics else ""
    )
    line = (
        f"[bold]Top-1 accuracy {100 * metrics['test_accuracy']:.1f} %[/bold] on "
        f"{metrics['test_images']:,} test images{known}"
    )
    if (other := finished_baseline(folder, metrics)) is not None:
        name = "without RBI" if metrics["settings"]["rbi"] else "with RBI"
        line += f"; {name} {100 * other['test_accuracy']:.1f} %"
    return line + "."


def kept_epoch(metrics: Mapping[str, Any]) -> str:
    """Which epoch's weights a run has kept, in a line; none where it kept those of the last.

    Example:

    >>> from keras_rbi.cli.report import kept_epoch
    >>> best = {"epoch": 7, "accuracy": 0.8125}
    >>> kept_epoch({"best_epoch": best, "settings": {"epochs": 10}})
    'Kept: the weights after epoch 7 of 10, best on the validation images (81.2 %).'
    """
    best, epochs = metrics.get("best_epoch"), metrics["settings"].get("epochs")
    if not best or best["epoch"] == epochs:
        return ""
    what = f"the weights after epoch {best['epoch']} of {epochs}"
    if best["epoch"] == 0:
        what = "the head on features, since no epoch after it did as well"
    return f"Kept: {what}, best on the validation images ({100 * best['accuracy']:.1f} %)."


def finished_baseline(folder: RunFolder, metrics: Mapping[str, Any]) -> dict[str, Any] | None:
    """The metrics of a run beside this one that differs in its relations alone, if there is one."""

    def compared(settings: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in settings.items() if name not in OF_RBI}

    for other in sorted(folder.path.parent.glob("*/metrics.json")):
        try:
            found = RunFolder(other.parent).read_metrics()
        except ValueError:
            # A damaged file of another run is no matter of this one.
            continue
        settings = found.get("settings", {})
        if settings.get("rbi") == (not metrics["settings"]["rbi"]) and compared(
            settings
        ) == compared(metrics["settings"]):
            return found
    return None


def report_seeds(parent: Path, seeds: Sequence[int], found: Sequence[Mapping[str, Any]]) -> None:
    """Prints and writes the accuracies of runs that differ in their seeds.

    Args:
        parent: The folder that their folders are in, which gets a `seeds.json`.
        seeds: Their seeds.
        found: The metrics of each.
    """
    accuracies = [float(metrics["test_accuracy"]) for metrics in found]
    mean = statistics.fmean(accuracies)
    spread = statistics.stdev(accuracies) if len(accuracies) > 1 else None
    content = {
        "seeds": list(seeds),
        "test_accuracy": accuracies,
        "mean": mean,
        "standard_deviation": spread,
        "settings": {name: value for name, value in found[0]["settings"].items() if name != "seed"},
    }
    RunFolder(parent).write_json(parent / "seeds.json", content)
    if asked.json:
        print_json({"folder": str(parent), **content})
        return
    from rich.table import Table

    table = Table(title=f"top-1 accuracy on {found[0]['test_images']:,} test images")
    table.add_column("seed", justify="right")
    table.add_column("top-1 (%)", justify="right")
    for seed, accuracy in zip(seeds, accuracies, strict=True):
        table.add_row(str(seed), f"{100 * accuracy:.1f}")
    table.add_section()
    if spread is None:
        # One run tells nothing of how others differ.
        table.add_row("mean", f"{100 * mean:.1f}")
    else:
        table.add_row("mean ± sd", f"{100 * mean:.1f} ± {100 * spread:.1f}")
    console.print(table)
    console.print(f"Runs: {one_line(str(parent))}", highlight=False, soft_wrap=True)


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
