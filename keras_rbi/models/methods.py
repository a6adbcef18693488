"""The methods that can be trained by name, each as its folder describes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keras_rbi._lazy import resolve

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Method:
    """A method of classification around a backbone.

    Attributes:
        name: What it is called in `keras-rbi train --method`.
        description: A phrase for the help of that option.
        model: The class, or where it is, `"module:name"`, to be imported when a model is made.
            It is called with a backbone, `class_names=` and those of `arguments`.
        arguments: The settings of training that it takes: of `embedding_dim`, `variant`,
            `relation_dropout`, `share_classifier`, `group_size` and
            `relation_scope`.
        relates: Whether its images relate.
        baseline: The method that it is compared with, the same without relations or with them.
        fixed: Further arguments of the class, which the method determines.
        names: What the class calls an argument, where not as the setting.
    """

    name: str
    description: str
    model: "str | Callable[..., keras.Model]"
    arguments: tuple[str, ...] = ()
    relates: bool = False
    baseline: str | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def build(self, backbone: "keras.Model", **arguments: Any) -> "keras.Model":
        """A model of the method, not compiled."""
        model = resolve(self.model) if isinstance(self.model, str) else self.model
        renamed = {self.names.get(name, name): value for name, value in arguments.items()}
        return model(backbone, **self.fixed, **renamed)


METHODS: dict[str, Method] = {}


def register(*methods: Method) -> None:
    """Makes methods known by their names.

    Args:
        *methods: The methods. One of a known name takes its place.

    Example:

    >>> from keras_rbi.models.methods import METHODS, Method, register
    >>> register(Method("mine", "a method of my own", keras_rbi.RBIModel, relates=True))
    >>> METHODS.pop("mine").relates
    True
    """
    METHODS.update({method.name: method for method in methods})


def with_and_without_relations(name: str, description: str, model: str) -> tuple[Method, Method]:
    """The two methods of a class that relates images if it is told to.

    Args:
        name: Of the method without relations; that with them has `-rbi` behind it.
        description: A phrase.
        model: Where the class is, which takes `relations`, `variant` and, for `embedding_dim`,
            `units`.

    Returns:
        The method without relations and the one with them.
    """

    taken, related = ("embedding_dim", "variant"), f"{name}-rbi"
    names = {"embedding_dim": "units"}
    return (
        Method(name, description, model, taken, False, related, {"relations": None}, names),
        Method(
            related,
            "the same with relations",
            model,
            taken,
            True,
            name,
            {"relations": "self"},
            names,
        ),
    )
