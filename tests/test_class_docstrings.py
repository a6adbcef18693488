"""Docstrings say what the code does: arguments, defaults and examples."""

import ast
import doctest
import inspect
import re

import keras
import numpy as np
import pytest

import keras_rbi

PACKAGES = (
    keras_rbi.layers,
    keras_rbi.optimizers,
    keras_rbi.models,
    keras_rbi.models.baselines,
    keras_rbi.models.herbs,
    keras_rbi.models.p2p_net,
)
PUBLIC = {getattr(package, name) for package in PACKAGES for name in package.__all__}
PUBLIC_CLASSES = sorted(
    {
        each
        for each in PUBLIC - {keras_rbi.models.RelationalClassifier}
        if inspect.isclass(each) and issubclass(each, (keras.Layer, keras.optimizers.Optimizer))
    }
    | {keras_rbi.backbones.BackbonePreprocessing},
    key=lambda each: each.__name__,
)
for_each_class = pytest.mark.parametrize("cls", PUBLIC_CLASSES, ids=lambda cls: cls.__name__)


def documented_arguments(cls):
    """Names in the section Args, with their descriptions on one line."""
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", inspect.getdoc(cls), re.DOTALL | re.MULTILINE)
    entries = re.findall(
        r"^    (\**\w+): (.*?)(?=^    \S|\Z)", section[1], re.DOTALL | re.MULTILINE
    )
    return {name: " ".join(text.split()) for name, text in entries}


def constructor_arguments(cls):
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return {
        parameter.name: parameter
        for parameter in parameters
        if parameter.kind is not parameter.VAR_KEYWORD
    }


@for_each_class
def test_arguments_are_those_of_the_constructor_in_its_order(cls):
    documented = [name for name in documented_arguments(cls) if not name.startswith("*")]
    assert documented == list(constructor_arguments(cls))


@for_each_class
def test_stated_defaults_are_those_of_the_constructor(cls):
    parameters = constructor_arguments(cls)
    for name, text in documented_arguments(cls).items():
        stated = re.search(r"Defaults to `(.*?)`", text)
        if name.startswith("*"):
            assert stated is None
        elif parameters[name].default is inspect.Parameter.empty:
            assert stated is None, name
        else:
            assert stated, f"{name} has a default that its description does not state"
            assert ast.literal_eval(stated[1]) == parameters[name].default, name


class ShapesOfAnyBackend(doctest.OutputChecker):
    """Each backend prints shapes in its own way; examples print them as tuples."""

    def check_output(self, want, got, optionflags):
        got = re.sub(r"(?:TensorShape|torch\.Size)\(\[(.*?)\]\)", r"(\1)", got)
        return super().check_output(want, got, optionflags)


@for_each_class
def test_examples_give_what_they_show(cls):
    names = {"np": np, "keras": keras, "keras_rbi": keras_rbi}
    example = doctest.DocTestParser().get_doctest(
        inspect.getdoc(cls), names, cls.__name__, None, None
    )
    assert example.examples
    report = []
    runner = doctest.DocTestRunner(ShapesOfAnyBackend(), optionflags=doctest.ELLIPSIS)
    results = runner.run(example, out=report.append)
    assert results.failed == 0, "".join(report)
