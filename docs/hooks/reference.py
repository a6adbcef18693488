"""The pages of the reference: one for each public package, with all of its public names."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "layers",
    "models",
    "models.baselines",
    "models.herbs",
    "models.p2p_net",
    "optimizers",
    "backbones",
    "datasets",
    "training",
    "evaluation",
    "explanations",
    "figures",
    "export",
)


def public_names(package: str) -> dict[str, str]:
    """From the public names of a package to where they are written.

    Args:
        package: Its name below `keras_rbi`, such as `"models.herbs"`.
    """
    file = ROOT / "keras_rbi" / package.replace(".", "/") / "__init__.py"
    places: dict[str, str] = {}
    for statement in ast.parse(file.read_text("utf-8")).body:
        if isinstance(statement, ast.If):
            for line in statement.body:
                if isinstance(line, ast.ImportFrom):
                    places |= {name.name: f"{line.module}.{name.name}" for name in line.names}
    return dict(sorted(places.items(), key=lambda place: place[0].lower()))


def package_docstring(package: str) -> str:
    """What a package says of itself."""
    file = ROOT / "keras_rbi" / package.replace(".", "/") / "__init__.py"
    return ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""


def reference_page(package: str) -> str:
    """The page of a package: a section for each name, which mkdocstrings fills.

    What is public in several packages has its section in the first of them, and a link elsewhere.
    """
    lines = [f"# keras_rbi.{package}", "", package_docstring(package), ""]
    first = {}
    for each in reversed(PACKAGES):
        first |= dict.fromkeys(public_names(each).values(), each)
    for name, place in public_names(package).items():
        if first[place] == package:
            lines += [f"::: {place}", ""]
        else:
            lines += [f"[`{name}`][{place}] is on the page of `keras_rbi.{first[place]}`.", ""]
    return "\n".join(lines)


def overview() -> str:
    """The first page of the reference: every public name on one page."""
    lines = ["# Reference", ""]
    lines += ["`keras_rbi` has the names of its first row and the packages below.", ""]
    lines += ["| package | names |", "|---|---|"]
    top = ["RPE", "RRA"], ["RBIModel"], ["RectifiedAdam"]
    packages = "layers", "models", "optimizers"
    links = [
        f"[`{name}`][{public_names(package)[name]}]"
        for package, names in zip(packages, top, strict=True)
        for name in names
    ]
    lines.append(f"| `keras_rbi` | {', '.join(links)} |")
    for package in PACKAGES:
        names = ", ".join(f"[`{name}`][{at}]" for name, at in public_names(package).items())
        lines.append(f"| [`keras_rbi.{package}`]({package.replace('.', '_')}.md) | {names} |")
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """From pages of the site to their Markdown."""
    packages = {f"reference/{each.replace('.', '_')}.md": reference_page(each) for each in PACKAGES}
    return {"reference/index.md": overview(), **packages}
