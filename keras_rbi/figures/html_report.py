"""Self-contained HTML reports of figures and tables."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from matplotlib.figure import Figure

from keras_rbi.figures.save_figures import save_figures

DPI = 110

REPORT = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --text: #222; --back: #fff; --line: #ddd; --bar: #0072b2; }
@media (prefers-color-scheme: dark) {
:root { --text: #ddd; --back: #1a1a1a; --line: #444; --bar: #56b4e9; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
margin: 0; }
main { max-width: 1100px; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .4rem; border-top: 1px solid var(--line);
padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1rem 0 .3rem; overflow-wrap: anywhere; }
p { margin: .3rem 0 .8rem; max-width: 46rem; }
table { border-collapse: collapse; margin: .6rem 0 1rem; font-size: .92rem; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; vertical-align: top; }
td { overflow-wrap: anywhere; }
.tables { display: flex; flex-wrap: wrap; gap: 0 3rem; align-items: flex-start; }
img { max-width: 100%; height: auto; display: block; background: #fff; }
li { overflow-wrap: anywhere; max-width: 46rem; }
pre { overflow-x: auto; border: 1px solid var(--line); padding: .6rem .8rem; }
.pictures { display: flex; flex-wrap: wrap; gap: .4rem; }
.pictures p { width: 7rem; min-height: 3rem; margin: 0; font-size: .8rem; overflow-wrap: anywhere; }
.bars { width: 100%; table-layout: fixed; }
.bars th { width: 30%; font-weight: 400; overflow-wrap: anywhere; }
.bars span { display: inline-block; height: .8em; min-width: 1px; background: var(--bar); }
.bars td + td { width: 5.5rem; text-align: right; padding-right: 0; }
</style>
</head>
<body>
<main>
<h1>$title</h1>
<p>$summary</p>
$body
</main>
</body>
</html>
""")


@dataclass(frozen=True)
class Table:
    """Rows of text; the first cell of a row is its heading where there is no header."""

    rows: Sequence[Sequence[str]]
    header: Sequence[str] = ()


@dataclass(frozen=True)
class Picture:
    """A small image.

    Attributes:
        content: The bytes of a JPEG file, or `None` where there is none: its text stands alone.
        text: What it shows, for those who do not see it.
    """

    content: bytes | None
    text: str


@dataclass(frozen=True)
class Gallery:
    """Small images in rows, under a heading."""

    heading: str
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Section:
    """A heading, a sentence or two on how to read what follows, a figure and tables.

    Attributes:
        name: Short name for files, such as `"cams"`.
        heading: The heading.
        text: The sentences.
        figure: A figure, or `None`.
        tables: Tables, side by side where there is room.
        items: Sentences, one below the other.
        bars: Names and numbers that are drawn as bars.
        galleries: Small images.
        code: Lines to be copied.
    """

    name: str
    heading: str
    text: str
    figure: Figure | None = None
    tables: Sequence[Table] = ()
    items: Sequence[str] = ()
    bars: Sequence[tuple[str, int]] = ()
    galleries: Sequence[Gallery] = ()
    code: str = ""


@dataclass(frozen=True)
class HtmlReport:
    """Sections under a title, as one HTML file with its images inside.

    Attributes:
        title: The title.
        summary: What the report shows, in a sentence.
        sections: The sections, in order.

    Example:

    >>> from keras_rbi.figures.html_report import HtmlReport, Section
    >>> report = HtmlReport("run", "A run.", [Section("order", "A < B", "Read it so.")])
    >>> "<h2>A &lt; B</h2>" in report.html()
    True
    """

    title: str
    summary: str
    sections: Sequence[Section]

    def html(self) -> str:
        """The content of the file, which loads nothing from anywhere. All text is escaped."""
        return REPORT.substitute(
            title=html.escape(self.title),
            summary=html.escape(self.summary),
            body="\n".join(map(_section, self.sections)),
        )

    def save_figures(self, folder: Path) -> None:
        """Saves each section's figure under the section's name, as PNG and SVG."""
        named = {each.name: each.figure for each in self.sections if each.figure is not None}
        save_figures(folder, named)


def facts(values: Mapping[str, object]) -> Table:
    """A table of names and values."""
    return Table([(name, str(value)) for name, value in values.items()])


def _section(section: Section) -> str:
    parts = [f"<h2>{html.escape(section.heading)}</h2>"]
    if section.text:
        parts.append(f"<p>{html.escape(section.text)}</p>")
    if section.items:
        items = "".join(f"<li>{html.escape(item)}</li>\n" for item in section.items)
        parts.append(f"<ul>\n{items}</ul>")
    if section.bars:
        parts.append(_bars(section.bars))
    if section.tables:
        tables = "\n".join(map(_table, section.tables))
        parts.append(f'<div class="tables">\n{tables}\n</div>')
    if section.figure is not None:
        source = base64.b64encode(_png(section.figure)).decode("ascii")
        description = html.escape(section.heading, quote=True)
        parts.append(f'<img alt="{description}" src="data:image/png;base64,{source}">')
    parts += map(_gallery, section.galleries)
    if section.code:
        parts.append(f"<pre>{html.escape(section.code)}</pre>")
    return f'<section id="{html.escape(section.name, quote=True)}">\n' + "\n".join(
        [*parts, "</section>"]
    )


def _table(table: Table) -> str:
    lines = []
    if table.header:
        cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.header)
        lines.append(f"<tr>{cells}</tr>")
    for first, *others in table.rows:
        tag = "td" if table.header else "th"
        cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in others)
        lines.append(f"<tr><{tag}>{html.escape(first)}</{tag}>{cells}</tr>")
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _bars(bars: Sequence[tuple[str, int]]) -> str:
    most = max([number for _, number in bars] + [1])
    rows = "\n".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        f'<td><span style="width: {100 * number / most:.1f}%"></span></td><td>{number:,}</td></tr>'
        for name, number in bars
    )
    return f'<table class="bars">\n{rows}\n</table>'


def _gallery(gallery: Gallery) -> str:
    pictures = "\n".join(map(_picture, gallery.pictures))
    heading = f"<h3>{html.escape(gallery.heading)}</h3>\n"
    return f'{heading}<div class="pictures">\n{pictures}\n</div>'


def _picture(picture: Picture) -> str:
    if picture.content is None:
        return f"<p>{html.escape(picture.text)}</p>"
    source = base64.b64encode(picture.content).decode("ascii")
    text = html.escape(picture.text, quote=True)
    return f'<img alt="{text}" title="{text}" src="data:image/jpeg;base64,{source}">'


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()
