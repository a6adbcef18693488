"""Options of the command, made from the settings of training."""

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from keras_rbi.training.setting import Setting
from keras_rbi.training.settings import SETTINGS

# Ranges are told where a value is out of them: here they would take the room of the help.
METAVARS: dict[type, str] = {int: "N", float: "X", str: "NAME"}


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command an option for each setting, in place of its keyword arguments.

    Args:
        command: Function with options of its own as keyword-only arguments, and with
            `**settings`, which get `None` where the user gives nothing.

    Returns:
        The same function with another signature.
    """
    hints = typing.get_type_hints(command, include_extras=True)
    own = [
        parameter.replace(annotation=hints[parameter.name])
        for parameter in inspect.signature(command).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    options = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_annotation(setting)
        )
        for name, setting in SETTINGS.items()
    ]
    parameters = [*options, *own]
    described: Any = command
    described.__signature__ = inspect.Signature(parameters)
    # Which some versions of Typer read, and others the signature.
    described.__annotations__ = {each.name: each.annotation for each in parameters}
    return command


def _annotation(setting: Setting) -> Any:
    option = typer.Option(
        *([setting.switch] if setting.switch else []),
        help=_help(setting),
        min=setting.minimum,
        max=setting.maximum if setting.below is None else setting.below,
        metavar=setting.metavar or METAVARS.get(setting.kind),
        rich_help_panel=setting.panel,
        hidden=not setting.basic,
    )
    return Annotated[setting.kind | None, option]


def _help(setting: Setting) -> str:
    default = f" [default: {setting.stated_default}]" if setting.stated_default else ""
    return setting.text(option_of) + default


def option_of(name: str) -> str:
    """`--batch-size`."""
    return SETTINGS[name].option


def as_arguments(settings: Mapping[str, Any]) -> list[str]:
    """What to give the command for these settings.

    Example:

    >>> from keras_rbi.cli.settings_options import as_arguments
    >>> as_arguments({"batch_size": 8, "freeze_batch_norms": False})
    ['--batch-size', '8', '--train-batch-norms']
    """
    words = []
    for name, value in settings.items():
        if isinstance(value, bool):
            words.append(option_of(name).split("/")[0 if value else -1])
        else:
            words += [option_of(name), str(value)]
    return words
