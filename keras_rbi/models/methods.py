"""The methods that can be trained by name, each as its folder describes it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras


@dataclass(frozen=True)
class Method:
    """A method of classification around a backbone.

    Attributes:
        name: What it is called in `keras-rbi train --method`.
        description: A phrase for the help of that option.
        build: Called with a backbone, `class_names=` and those of `arguments`; gives a model.
        arguments: The settings of training that it takes: of `embedding_dim`, `variant`,
            `relation_dropout` and `share_classifier`.
        relates: Whether its images relate.
        baseline: The method that it is compared with, the same without relations or with them.
    """

    name: str
    description: str
    build: Callable[..., keras.Model]
    arguments: tuple[str, ...] = ()
    relates: bool = False
    baseline: str | None = None


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


def with_and_without_relations(
    name: str, description: str, model: Callable[..., keras.Model]
) -> tuple[Method, Method]:
    """The two methods of a class that relates images if it is told to.

    Args:
        name: Of the method without relations; that with them has `-rbi` behind it.
        description: A phrase.
        model: The class, which takes `relations`, `variant` and, for `embedding_dim`, `units`.

    Returns:
        The method without relations and the one with them.
    """

    def build(relations: str | None, backbone: Any, embedding_dim: int, **arguments: Any) -> Any:
        return model(backbone, relations=relations, units=embedding_dim, **arguments)

    taken, related = ("embedding_dim", "variant"), f"{name}-rbi"
    return (
        Method(name, description, partial(build, None), taken, baseline=related),
        Method(
            related,
            "the same with relations",
            partial(build, "self"),
            taken,
            relates=True,
            baseline=name,
        ),
    )
