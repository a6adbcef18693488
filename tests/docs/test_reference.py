"""The reference: every public name has a page that shows it, and a docstring."""

import ast
import sys
from pathlib import Path

import pytest

import keras_rbi

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "hooks"))
import outside_pages  # noqa: E402
import reference  # noqa: E402
import see_also  # noqa: E402

# What Keras calls, and documents.
OF_KERAS = {
    *("build", "call", "compile", "compute_output_shape", "compute_output_spec"),
    *("from_config", "get_config"),
}


def body_of(place):
    """The statements of the module that a public name stands in, and the name there."""
    module, _, name = place.rpartition(".")
    file = ROOT / f"{module.replace('.', '/')}.py"
    if not file.is_file():
        file = file.with_suffix("") / "__init__.py"
    return ast.parse(file.read_text("utf-8")).body, name


def undocumented(place):
    """Names at a place that have no docstring."""
    if (ROOT / f"{place.replace('.', '/')}.py").is_file():  # a module
        return (
            []
            if ast.get_docstring(
                ast.parse((ROOT / f"{place.replace('.', '/')}.py").read_text("utf-8"))
            )
            else [place]
        )
    body, name = body_of(place)
    for number, statement in enumerate(body):
        if isinstance(statement, ast.ImportFrom) and name in [
            each.name for each in statement.names
        ]:
            return undocumented(f"{statement.module}.{name}")
        if isinstance(statement, ast.FunctionDef | ast.ClassDef) and statement.name == name:
            bare = [] if ast.get_docstring(statement) else [place]
            parts = statement.body if isinstance(statement, ast.ClassDef) else []
            return bare + [
                f"{place}.{part.name}"
                for part in parts
                if isinstance(part, ast.FunctionDef)
                and not part.name.startswith("_")
                and part.name not in OF_KERAS
                and not ast.get_docstring(part)
                and not any(".setter" in ast.unparse(each) for each in part.decorator_list)
            ]
        targets = getattr(statement, "targets", [getattr(statement, "target", None)])
        if any(isinstance(each, ast.Name) and each.id == name for each in targets):
            told = body[number + 1 : number + 2]
            value = getattr(told[0], "value", None) if told else None
            return (
                [] if isinstance(value, ast.Constant) and isinstance(value.value, str) else [place]
            )
    return [f"{place} is not there"]


@pytest.mark.parametrize("package", reference.PACKAGES)
def test_every_public_name_is_documented(package):
    places = reference.public_names(package)
    assert places
    page = reference.reference_page(package)
    for place in places.values():
        assert f"::: {place}\n" in page or f"[{place}] is on the page of" in page
        assert undocumented(place) == []


def test_every_public_package_is_there():
    public = {name for name in keras_rbi.__all__ if name.islower() and not name.startswith("_")}
    assert public == {package for package in reference.PACKAGES if "." not in package}
    for package in reference.PACKAGES:
        # What a package says is public is what its reference shows.
        names = __import__(f"keras_rbi.{package}", fromlist=["__all__"]).__all__
        assert set(names) == set(reference.public_names(package))


def test_the_names_of_the_package_itself_are_few_and_stable():
    assert sorted(keras_rbi.__all__) == [
        *("RBIModel", "RPE", "RRA", "RectifiedAdam", "__version__", "backbones", "datasets"),
        *("evaluation", "explanations", "export", "figures", "layers", "models", "optimizers"),
        "training",
    ]


def test_links_of_the_repository_become_links_of_the_site():
    def mend(text, page="serving.md"):
        return outside_pages.mend_links(text, page)

    assert mend("[a](../applications/paper/README.md#results)") == "[a](results/paper.md#results)"
    assert mend("[a](../examples/quickstart.py)") == "[a](examples/quickstart.md)"
    assert mend("[a `b`](../keras_rbi/layers/rpe.py) c") == "a `b` c"
    assert (
        mend("[a](relations.md) [b](https://keras.io)") == "[a](relations.md) [b](https://keras.io)"
    )
    assert mend("![t](results/table1.png)", "results/paper.md") == "![t](results/table1.png)"
    assert mend("[d](../../docs/recipes.md)", "results/paper.md") == "[d](../recipes.md)"


def test_guides_and_reference_know_each_other():
    for guide, packages in see_also.PACKAGES.items():
        assert (ROOT / "docs" / guide).is_file()
        assert set(packages) <= set(reference.PACKAGES)
    nav = [
        {"Home": "index.md"},
        {"Guides": [{"Export a model": "export.md"}, "reference/index.md"]},
    ]
    titles = see_also.titles_in(nav)
    assert titles == {"index.md": "Home", "export.md": "Export a model"}
    assert "[`keras_rbi.export`](../reference/export.md)" in see_also.see_also(
        "how_to/serve_a_model.md", titles
    )
    assert see_also.see_also("reference/export.md", titles).strip() == (
        "Guides: [Export a model](../export.md), "
        "[how_to/serve_a_model.md](../how_to/serve_a_model.md)."
    )
    assert see_also.see_also("reliability.md", titles) == ""
