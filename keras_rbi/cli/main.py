"""The `keras-rbi` command."""

import sys
from typing import Annotated, Any

import typer

from keras_rbi._version import __version__
from keras_rbi.cli.backbones import backbones
from keras_rbi.cli.compare import compare
from keras_rbi.cli.datasets import app as datasets
from keras_rbi.cli.doubtful import doubtful
from keras_rbi.cli.evaluate import evaluate
from keras_rbi.cli.explain import explain
from keras_rbi.cli.export import export
from keras_rbi.cli.leaks import leaks
from keras_rbi.cli.output import asked, fail
from keras_rbi.cli.predict import predict
from keras_rbi.cli.serve import serve
from keras_rbi.cli.show import show
from keras_rbi.cli.train import train

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
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
app.command()(evaluate)
app.command()(compare)
app.command()(predict)
app.command()(export)
app.command()(serve)
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


def run(arguments: list[str] | None = None) -> None:
    """Runs the command; mistakes in its use end it with one line and the exit code 2."""
    words = joined(sys.argv[1:] if arguments is None else arguments)
    # A command before this one in the same process may have been asked otherwise.
    asked.quiet = asked.json = False
    try:
        code = app(args=words, prog_name="keras-rbi", standalone_mode=False)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        # A full disk or a folder that cannot be written to, and not the program's own fault.
        if error.filename is None or error.strerror is None:
            raise
        fail(f"{error.strerror}: {str(error.filename)!r}. What was being written is not there.")
    except Exception as error:
        # Typer's usage errors, whose class has moved between its versions.
        describe: Any = getattr(error, "format_message", None)
        if describe is None:
            raise
        if message := describe():
            asked.json = "--json" in words
            fail(f"{message} Try --help.")
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    run()
