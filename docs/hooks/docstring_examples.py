"""Docstrings in Keras's style for mkdocstrings: examples that stand without indentation."""

import re

import griffe


def fenced(docstring: str) -> str:
    """The docstring, with the lines of its examples fenced as Python.

    Args:
        docstring: Text whose examples follow a line `Example:`, as doctest reads them.
    """
    lines: list[str] = []
    within = False
    for line in docstring.splitlines():
        if line.startswith(">>> ") and not within:
            lines.append("```pycon")
            within = True
        elif within and not line:
            lines.append("```")
            within = False
        lines.append("**Example**" if re.fullmatch("Examples?:", line) else line)
    return "\n".join([*lines, "```"] if within else lines)


class DocstringExamples(griffe.Extension):
    """Fences the examples of every docstring before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        """Rewrites the docstring of a module, class, function or attribute."""
        if obj.docstring and ">>> " in obj.docstring.value:
            obj.docstring.value = fenced(obj.docstring.value)
