"""The `keras-rbi` command."""

import os
import sys
from contextlib import suppress
from typing import Annotated, Any

import typer

from keras_rbi._version import __version__
from keras_rbi.cli.add_classes import add_classes
from keras_rbi.cli.backbones import backbones
from keras_rbi.cli.compare import compare
from keras_rbi.cli.datasets import app as datasets
from keras_rbi.cli.doubtful import doubtful
from keras_rbi.cli.evaluate import evaluate
from keras_rbi.cli.explain import explain
from keras_rbi.cli.export import export
from keras_rbi.cli.leaks import leaks
from keras_rbi.cli.output import asked, fail, told_of_disk
from keras_rbi.cli.predict import predict
from keras_rbi.cli.serve import demo, serve
from keras_rbi.cli.show import show
from keras_rbi.cli.train import train
from keras_rbi.disk_errors import disk_error
from keras_rbi.memory_errors import is_of_memory

app: typer.Typer = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""Train, evaluate and use fine-grained image classifiers with Relationship Batch
    Integration.

    A first run, with nothing to download: `keras-rbi train`""",
)


def _print_version(value: bool) -> None:
    if value:
        print(f"keras-rbi {__version__}")
        raise typer.Exit


@app.callback()
def command(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Options of the command itself."""


app.command()(train)
app.command("add-classes")(add_classes)
app.command()(evaluate)
app.command()(compare)
app.command()(predict)
app.command()(export)
app.command()(serve)
app.command()(demo)
app.command()(explain)
app.command()(backbones)
datasets.command("show")(show)
datasets.command("leaks")(leaks)
datasets.command("doubtful")(doubtful)
app.add_typer(datasets, name="datasets")


def joined(arguments: list[str]) -> list[str]:
    """The arguments, with the numbers after `--seeds` as one.

    Example:

    >>> from keras_rbi.cli.main import joined
    >>> joined(["train", "--seeds", "0", "1", "2", "--no-rbi"])
    ['train', '--seeds', '0 1 2', '--no-rbi']
    """
    words: list[str] = []
    for word in arguments:
        if word.isdigit() and words[-2:-1] == ["--seeds"]:
            words[-1] += f" {word}"
        else:
            words.append(word)
    return words


def _with_its_file(error: Exception) -> OSError | None:
    """The error itself, if it is about a file that it names."""
    told = isinstance(error, OSError) and error.filename is not None and error.strerror is not None
    return error if told else None  # type: ignore[return-value]


def _close_output(refused: OSError | None = None) -> None:
    """Gives up a standard output that takes no more, lest the end of the process try again."""
    if refused is None or refused.filename is None:
        # What is to be told goes where it can be read.
        asked.json = False
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _received(error: Exception, message: str) -> str:
    """The value that an option was given, where Typer tells its limit alone."""
    causes: Any = getattr(error.__cause__, "errors", None)
    if causes is None:
        return ""
    given = str(causes()[0].get("input", ""))
    return "" if not given or repr(given) in message else f". Received: {given}."


def run(arguments: list[str] | None = None) -> None:
    """Runs the command; mistakes in its use end it with one line and the exit code 2."""
    words = joined(sys.argv[1:] if arguments is None else arguments)
    # A command before this one in the same process may have been asked otherwise.
    asked.quiet = asked.json = False
    try:
        code = app(args=words, prog_name="keras-rbi", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read the output, such as `head`, has enough.
        _close_output()
        sys.exit(1)
    except Exception as error:
        # A full disk or a folder that cannot be written to, and not the program's own fault.
        if (refused := disk_error(error) or _with_its_file(error)) is not None:
            _close_output(refused)
            fail(told_of_disk(refused))
        if is_of_memory(error):
            asked.json = "--json" in words
            fail(
                "There is not enough memory for this. Take smaller batches (--batch-size), smaller "
                f"images (--image-size) or fewer. {type(error).__name__}: {error}"[:500]
            )
        # Typer's usage errors, whose class has moved between its versions.
        describe: Any = getattr(error, "format_message", None)
        if describe is None:
            raise
        if message := describe():
            asked.json = "--json" in words
            of_datasets = {command.name for command in datasets.registered_commands}
            if words and words[0] in of_datasets:
                message = f"{message} Did you mean 'datasets {words[0]}'?"
            fail(f"{message}{_received(error, message)} Try --help.")
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    run()
