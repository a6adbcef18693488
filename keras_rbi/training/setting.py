"""Description of a setting: one text and one range for readers, the command and the checks."""

import dataclasses
import math
import textwrap
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, TypeVar, get_args, get_type_hints

DATA, MODEL, TRAINING, OUTPUT = "Data", "Model", "Training", "Output"

KINDS: dict[type, str] = {
    str: "a string",
    bool: "true or false",
    int: "an integer",
    float: "a number",
}
Class = TypeVar("Class", bound=type)


@dataclass(frozen=True)
class Setting:
    """What there is to know of a field of settings.

    Attributes:
        help: What it does; names of other settings in braces.
        panel: The panel of the command's help that it stands in.
        default: The value where neither user nor recipe gives one, if it is always the same.
        default_text: The default in words, if it follows from other settings.
        choices: The values it may have, if these are few.
        minimum: The smallest value.
        maximum: The largest value.
        below: A value that is just too large.
        metavar: What the command's help calls the value, if its type does not say it.
        basic: Whether a beginner needs it: the command's `--help` has no other.
        switch: The option of a setting that is on or off, with that for off after a slash.
        name: The field.
        kind: Its type, leaving out `None`.
    """

    help: str
    panel: str
    default: Any = None
    default_text: str = ""
    choices: Collection[str] = ()
    minimum: float | None = None
    maximum: float | None = None
    below: float | None = None
    metavar: str | None = None
    switch: str | None = None
    basic: bool = False
    name: str = ""
    kind: type = str

    @property
    def option(self) -> str:
        """Its option in the command."""
        return self.switch or "--" + self.name.replace("_", "-")

    @property
    def stated_default(self) -> str:
        """The default in words, empty where there is none to tell of."""
        if self.default_text or self.default is None or self.kind is bool:
            return self.default_text
        return str(self.default)

    def text(self, name_of: Callable[[str], str]) -> str:
        """The help, with other settings called as the function of their name says."""
        return self.help.format_map(_Names(name_of))

    def check(self, value: Any) -> None:
        """Refuses a value of another type, or out of range; `None` is none.

        Raises:
            ValueError: If it is unfit, with what is fit.
        """
        if value is not None and (fit := self._what_would_fit(value)):
            raise ValueError(f"`{self.name}` must be {fit}. Received: {self.name}={value!r}.")

    def _what_would_fit(self, value: Any) -> str:
        """What the value is not, or nothing where it is fit."""
        if not _is_a(value, self.kind):
            return KINDS[self.kind]
        if self.choices and value not in self.choices:
            return " or ".join(map(repr, self.choices))
        if self.kind is float and not math.isfinite(value):
            return "a finite number"
        low, high, below = self.minimum, self.maximum, self.below
        if (
            (low is None or value >= low)
            and (high is None or value <= high)
            and (below is None or value < below)
        ):
            return ""
        if high is None and below is None:
            return f"at least {low}"
        return f"in [{low}, {high}]" if below is None else f"in [{low}, {below})"


class _Names(dict[str, str]):
    def __init__(self, name_of: Callable[[str], str]) -> None:
        super().__init__()
        self._name_of = name_of

    def __missing__(self, name: str) -> str:
        return self._name_of(name)


def _is_a(value: Any, kind: type) -> bool:
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    numbers: dict[type, type] = {int: Integral, float: Real}
    return isinstance(value, numbers.get(kind, kind))


def setting(help: str, panel: str, default: Any = None, **described: Any) -> Any:
    """A field of a dataclass that is left open, `None`, until the default is filled in.

    Args:
        help: As in `Setting`.
        panel: As in `Setting`.
        default: As in `Setting`.
        **described: Other attributes of `Setting`.

    Returns:
        What `dataclasses.field` gives.
    """
    described = {"default": default, **described}
    return dataclasses.field(default=None, metadata={"setting": Setting(help, panel, **described)})


def settings_in(settings: type) -> dict[str, Setting]:
    """The settings of a dataclass by name, in its order.

    Example:

    >>> from keras_rbi.training import TrainingSettings
    >>> from keras_rbi.training.setting import settings_in
    >>> settings_in(TrainingSettings)["ema"].below
    1.0
    """
    hints = get_type_hints(settings)
    return {
        field.name: dataclasses.replace(
            field.metadata["setting"], name=field.name, kind=_kind(hints[field.name])
        )
        for field in dataclasses.fields(settings)
    }


def _kind(hint: Any) -> type:
    return next((kind for kind in get_args(hint) if kind is not type(None)), hint)


def check_values(settings: type, values: Mapping[str, Any], source: str) -> None:
    """Refuses values that a file has for settings that do not exist, or that are unfit.

    Args:
        settings: A dataclass with settings.
        values: From names to values.
        source: What to call the file.

    Raises:
        ValueError: If there is one, naming the file, the setting and what would be fit.
    """
    known = settings_in(settings)
    for name, value in values.items():
        if name not in known:
            raise ValueError(
                f"{source} has {name!r}, which is no setting. Known are {', '.join(known)}."
            )
        try:
            known[name].check(value)
        except ValueError as error:
            raise ValueError(f"{source}: {error}") from error


def documented(settings: Class) -> Class:
    """Puts the descriptions of a dataclass's fields in place of `{attributes}` in its docstring."""
    lines = ["Attributes:"]
    for name, one in settings_in(settings).items():
        default = f" By default {one.stated_default}." if one.stated_default else ""
        text = f"{name}: {one.text('`{}`'.format)}{default}"
        lines += textwrap.wrap(
            text, 100, initial_indent=" " * 8, subsequent_indent=" " * 12, break_on_hyphens=False
        )
    if settings.__doc__:
        settings.__doc__ = settings.__doc__.replace("{attributes}", "\n".join(lines))
    return settings
