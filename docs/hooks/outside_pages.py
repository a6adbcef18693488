"""Pages of the site whose text lives elsewhere in the repository, and links between all of them."""

import ast
import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Where a reader of the repository finds the file, and where a reader of the site does.
TAKEN = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "applications/paper/README.md": "results/paper.md",
    "applications/serving/README.md": "how_to/serving_systems.md",
    "benchmarks/README.md": "results/benchmarks.md",
}
FIGURES = sorted((ROOT / "applications/paper/results").glob("*.png"))
# What a link to a file that is not on the site ends in, until only its text is left.
OUTSIDE = "\0"
LINK = re.compile(r"(\]\()([^)#\s]+)(#[^)\s]*)?\)")


def example_page(path: Path) -> str:
    """An example as a page: what its docstring says, and the program.

    Args:
        path: The program.

    Returns:
        Markdown, with the first sentence as its title.
    """
    source = path.read_text("utf-8")
    told = ast.get_docstring(ast.parse(source)) or path.stem
    title, _, rest = told.partition("\n")
    # Commands stand indented in a docstring, or alone on lines of their own.
    rest = re.sub(r"^(?=(?:keras-rbi|python|pip) )", "    ", rest, flags=re.MULTILINE)
    body = source.split('"""', 2)[2].strip()
    where = path.relative_to(ROOT).as_posix()
    return (
        f"# {title.rstrip('.')}\n\n{rest.strip(chr(10))}\n\n`{where}`:\n\n```python\n{body}\n```\n"
    )


def glossary(contributing: str) -> str:
    """The section Glossary of CONTRIBUTING.md, as a page."""
    return "# Glossary\n" + contributing.split("## Glossary", 1)[1]


def pages() -> dict[str, str]:
    """From pages of the site to their Markdown, as it is written elsewhere."""
    found = {
        page: (ROOT / source).read_text("utf-8")
        for source, page in TAKEN.items()
        if page != "index.md"
    }
    found["glossary.md"] = glossary(found["contributing.md"])
    for path in sorted((ROOT / "examples").glob("*.py")):
        found[f"examples/{path.stem}.md"] = example_page(path)
    return found


def site_page(place: str) -> str | None:
    """Where on the site a file of the repository is; None where it is not.

    Args:
        place: A path from the root of the repository.
    """
    if place in TAKEN:
        return TAKEN[place]
    if place.startswith("docs/"):
        return place.removeprefix("docs/")
    if re.fullmatch(r"examples/\w+\.py", place):
        return f"{place.removesuffix('.py')}.md"
    if place.startswith("applications/paper/results/"):
        return f"results/{place.removeprefix('applications/paper/')}"
    return None


def mend_links(markdown: str, page: str) -> str:
    """Links to files of the repository as links within the site, or as plain text.

    Args:
        markdown: The text of a page, with links as they are right in the repository.
        page: The page, from the root of the site.
    """
    origins = {taken: source for source, taken in TAKEN.items()} | {
        "glossary.md": "CONTRIBUTING.md",
        "index.md": "docs/index.md",
    }
    origin = origins.get(page, f"docs/{page}")

    def mended(found: re.Match[str]) -> str:
        target, anchor = found[2], found[3] or ""
        if re.match(r"[a-z]+:", target):
            return found[0]
        place = posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))
        there = site_page(place)
        if there is None and (ROOT / place).exists():
            return f"]{OUTSIDE}"
        if there is None:
            return found[0]  # MkDocs tells that there is no such file.
        return f"]({posixpath.relpath(there, posixpath.dirname(page) or '.')}{anchor})"

    markdown = LINK.sub(mended, markdown)
    return re.sub(r"\[([^][]+)\]" + OUTSIDE, r"\1", markdown)
