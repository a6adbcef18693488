"""Arrows between the packages point one way, and what a model is asked goes through its base."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import keras_rbi

ROOT = Path(keras_rbi.__file__).parent

# What each package may import, but for itself and the helpers at the top.
MAY_IMPORT = {
    "distribution": set(),
    "layers": set(),
    "optimizers": set(),
    "backbones": set(),
    "datasets": {"layers"},
    "models": {"distribution", "layers", "optimizers", "backbones"},
    "evaluation": {"layers", "models", "datasets"},
    "explanations": {"models", "datasets", "evaluation"},
    "figures": {"models", "datasets", "evaluation", "explanations"},
    "visualization": set(),
    "export": {"layers", "models", "explanations"},
    "training": {
        "backbones",
        "datasets",
        "distribution",
        "evaluation",
        "figures",
        "models",
        "optimizers",
    },
    "serving": {"datasets", "evaluation"},
}
HELPERS = {
    "_backend",
    "_deprecation",
    "_lazy",
    "_version",
    "atomic_write",
    "checks",
    "disk_errors",
    "file_lock",
    "memory_errors",
    "seed_range",
    "strict_json",
    "types",
}
# What may wait until it is asked for: `model.export` and `model.predict_files`. The command, which
# must not wait for a backend, imports what it runs when it runs.
LAZY = {
    ("keras_rbi.models.image_classifier", "keras_rbi.export.export_model"),
    ("keras_rbi.models.image_classifier", "keras_rbi.evaluation.predict_files"),
}
# Methods of version 0.1 that have become functions elsewhere.
DEPRECATED = {
    ("keras_rbi.evaluation.attention_diagnostics", "keras_rbi.figures"),
    ("keras_rbi.evaluation.protocol", "keras_rbi.figures"),
}
PLACE = re.compile(r"(keras_rbi(?:\.\w+)+):\w+")


def module_of(path):
    parts = ("keras_rbi", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for path in sorted(ROOT.rglob("*.py"))}


@cache
def imports_of(module):
    """Modules of the package that a module imports, each with whether only within a function."""
    found = set()

    def visit(node, within):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                # Never run.
                continue
            if isinstance(child, ast.Import):
                names = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{module} imports by a relative name"
                joined = [f"{child.module}.{alias.name}" for alias in child.names]
                names = [name if name in FILES else child.module for name in joined]
            elif isinstance(child, ast.Constant) and isinstance(child.value, str):
                # What `resolve` imports later.
                match = PLACE.fullmatch(child.value)
                names = [match[1]] if match else []
                assert not names or names[0] in FILES, f"{module} names {child.value}"
                found.update((name, None) for name in names)
                names = []
            else:
                names = []
            found.update((name, within) for name in names if name in FILES)
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            visit(child, within or inside)

    visit(ast.parse(FILES[module].read_text("utf-8")), False)
    return found


def package_of(module):
    return [*module.split("."), ""][1]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_arrows_point_one_way(package):
    wrong = [
        f"{module} imports {name}"
        for module in FILES
        if package_of(module) == package
        for name, _ in imports_of(module)
        if package_of(name) not in {package, *MAY_IMPORT[package], *HELPERS}
        and (module, name) not in LAZY | DEPRECATED
    ]
    assert not wrong


def test_every_package_is_in_the_table():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == {*MAY_IMPORT, "cli"}
    helped = {
        package_of(name) for m in FILES if package_of(m) in HELPERS for name, _ in imports_of(m)
    }
    assert helped <= HELPERS


def test_what_waits_is_known():
    found = {
        (m, name)
        for m in FILES
        for name, within in imports_of(m)
        if within and package_of(m) != "cli"
    }
    assert found == LAZY


def test_no_import_runs_in_a_circle():
    """A package's `__init__` is run before any of its modules, by whoever imports them."""

    def ancestors(module):
        parts = module.split(".")
        return [".".join(parts[:length]) for length in range(1, len(parts))]

    graph = {}
    for module in FILES:
        begun = {module, *ancestors(module)}
        names = [name for name, within in imports_of(module) if within is False]
        # One's own package is begun, and nothing may be taken from it yet.
        assert not begun.intersection(names), module
        needed = {each for name in names for each in (name, *ancestors(name))}
        graph[module] = needed.intersection(FILES) - begun
    while leaves := {module for module, names in graph.items() if not names}:
        graph = {module: names - leaves for module, names in graph.items() if module not in leaves}
    assert not graph


CLASSES = (
    "RelationalClassifier|ImageClassifier|KerasClassifier|FineGrainedModel|TrainsTwoStreams"
    "|RBIModel|HERBS|P2PNet|BatchFormerModel|BackboneClassifier"
)
NOT_OUTSIDE = {
    "the class of a model": rf"isinstance\([^()]*,[^)]*\b({CLASSES})\b",
    "a layer by its name": r"(?<!backbone)\.get_layer\(",
    "what a layer was called with": r"\b(rra|rpe)\.input\b",
}


@pytest.mark.parametrize("what", NOT_OUTSIDE)
def test_models_are_asked_through_their_base(what):
    code = [path for module, path in FILES.items() if package_of(module) != "models"]
    for folder in ("applications", "benchmarks", "examples"):
        code += (ROOT.parent / folder).rglob("*.py")
    found = [
        f"{path.name}: {match.group()}"
        for path in code
        for match in re.finditer(NOT_OUTSIDE[what], path.read_text("utf-8"))
    ]
    assert not found


def test_the_patterns_find_what_they_are_for():
    for text in (
        "isinstance(model, RBIModel)",
        "isinstance(a.b, (HERBS, P2PNet))",
        "isinstance(model, models.HERBS)",
        'model.get_layer("rra")',
        "model.rra.input[0]",
    ):
        assert any(re.search(pattern, text) for pattern in NOT_OUTSIDE.values()), text
    assert not re.search(NOT_OUTSIDE["a layer by its name"], "extractor.backbone.get_layer(layer)")
