"""What is told of predictions beside them, on the error stream."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from keras_rbi.cli.output import Progress, asked, one_line, print_json, progress_bars, say


@contextmanager
def progress_of_predictions(output: Path | None) -> Iterator[Progress]:
    """A bar or a line on the error stream, where no predictions scroll by there."""
    if output is not None or not sys.stdout.isatty():
        with progress_bars("Predicting") as progress:
            yield progress
    else:
        yield lambda *_: None


def tell_right(counts: Mapping[bool | None, int], what: str) -> None:
    if (known := counts[True] + counts[False]) and not asked.quiet:
        say(
            f"Right: {counts[True]:,} of {known:,} {what} in folders named after a class "
            f"({100 * counts[True] / known:.1f} %).",
            sys.stderr,
        )


def tell_passed_over(notes: Sequence[str]) -> None:
    """What people are told of images in folders that were not taken."""
    if not asked.quiet:
        for note in notes:
            say(note, sys.stderr)


def tell_written(
    output: Path | None, images: int, unreadable: Sequence[str], passed_over: Sequence[str] = ()
) -> None:
    """What machines are told of predictions that went to a file."""
    if asked.json and output is not None:
        told = {"output": str(output), "images": images, "unreadable": list(unreadable)}
        print_json({**told, **({"passed_over": list(passed_over)} if passed_over else {})})


def tell_unreadable(reasons: Sequence[str], images: int) -> None:
    """Ends the command with the exit code 1 where some images could not be read."""
    if not reasons:
        return
    say(f"{len(reasons)} of {images} images cannot be read:", sys.stderr)
    for reason in reasons:
        say(f"  {one_line(reason)}", sys.stderr)
    raise typer.Exit(1)
