"""Options that commands share: `--quiet` and `--json`."""

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Annotated, Any

import typer

from keras_rbi.cli.output import asked

QUIET = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print the result and errors, and nothing else.")
]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON, of errors too.")]


def show_all_options(context: typer.Context, value: bool) -> None:
    """Callback of `--help-all`: prints the help with the options that it leaves out otherwise."""
    if not value:
        return
    for parameter in context.command.params:
        parameter.hidden = False  # type: ignore[attr-defined]
    print(context.get_help())
    raise typer.Exit


def reports(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command `--quiet` and `--json`, of which `output.asked` tells it.

    Args:
        command: Function whose parameters are its options.

    Returns:
        A function with two more.
    """
    hints = typing.get_type_hints(command, include_extras=True)
    own = inspect.signature(command)
    added = {"quiet": QUIET, "as_json": JSON}
    parameters = [
        *(each.replace(annotation=hints[each.name]) for each in own.parameters.values()),
        *(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
            for name, kind in added.items()
        ),
    ]

    @functools.wraps(command)
    def run(*args: Any, quiet: bool = False, as_json: bool = False, **kwargs: Any) -> Any:
        asked.quiet, asked.json = quiet, as_json
        return command(*args, **kwargs)

    described: Any = run
    described.__signature__ = own.replace(parameters=parameters)
    # Which some versions of Typer read, and others the signature.
    described.__annotations__ = {each.name: each.annotation for each in parameters}
    del described.__wrapped__
    return run
