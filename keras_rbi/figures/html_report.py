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
:root { color-scheme: light dark; --text: #1f2328; --soft: #57606a; --back: #fff; --card: #fff;
--line: #d4d9de; --bar: #0072b2; --right: #116329; --wrong: #a4262c; --first: #a43c00;
--second: #00568a; }
@media (prefers-color-scheme: dark) {
:root { --text: #e4e6e8; --soft: #a5adb5; --back: #14171a; --card: #1b1f23; --line: #3b4249;
--bar: #56b4e9; --right: #6fdc8c; --wrong: #ff9d95; --first: #f0a06a; --second: #74bdf0; }
}
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
margin: 0; }
main { max-width: 1100px; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .4rem; border-top: 1px solid var(--line);
padding-top: 1rem; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1rem 0 .3rem; overflow-wrap: anywhere; }
h4 { font-size: .92rem; font-weight: 400; margin: .9rem 0 .3rem; overflow-wrap: anywhere; }
p { margin: .3rem 0 .8rem; max-width: 46rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: .6rem 0 1rem; font-size: .92rem; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; vertical-align: top; }
td { overflow-wrap: anywhere; }
.tables { display: flex; flex-wrap: wrap; gap: 0 3rem; align-items: flex-start; }
img { max-width: 100%; height: auto; display: block; background: #fff; }
li { overflow-wrap: anywhere; max-width: 46rem; }
pre { overflow-x: auto; border: 1px solid var(--line); padding: .6rem .8rem; }
.pictures { display: flex; flex-wrap: wrap; gap: .4rem; }
.pictures img { border-radius: 4px; }
.pictures p { width: 7rem; min-height: 3rem; margin: 0; font-size: .8rem; color: var(--soft); }
.bars { width: 100%; table-layout: fixed; }
.bars th { width: 30%; font-weight: 400; overflow-wrap: anywhere; }
.bars span { display: inline-block; height: .8em; min-width: 1px; background: var(--bar); }
.bars td + td { width: 5.5rem; text-align: right; padding-right: 0; }
article { border: 1px solid var(--line); border-radius: 10px; background: var(--card);
padding: .9rem 1rem 1rem; margin: 1rem 0; }
article h3 { margin: 0 0 .3rem; }
h3 small { color: var(--soft); font-weight: 400; font-size: .85rem; }
.mark { white-space: nowrap; font-weight: 600; margin-left: .5rem; }
.mark.right { color: var(--right); } .mark.wrong { color: var(--wrong); }
.card { display: flex; flex-wrap: wrap; gap: .8rem 1.2rem; align-items: flex-start; }
.card > figure { flex: 0 0 13rem; margin: 0; } .card > div { flex: 1 1 20rem; min-width: 0; }
.card > figure img { width: 100%; border-radius: 6px; }
figcaption { color: var(--soft); font-size: .85rem; line-height: 1.35; padding-top: .25rem;
overflow-wrap: anywhere; }
.card .bars { margin: 0 0 .4rem; }
.card .bars th { width: 40%; }
.card p:first-child { margin-top: 0; }
.galleries { display: flex; flex-wrap: wrap; gap: 0 1rem; }
.galleries .gallery { flex: 1 1 16.5rem; min-width: 0; }
.card .gallery h4 { margin: .5rem 0 .3rem; }
.first strong { color: var(--first); } .second strong { color: var(--second); }
details { border: 1px solid var(--line); border-radius: 10px; padding: .2rem 1rem;
margin: 2.5rem 0 0; }
summary { cursor: pointer; padding: .5rem 0; }
summary h2 { display: inline; border: 0; padding: 0; margin: 0; }
details section h3 { font-size: 1.05rem; margin-top: 1.8rem; }
@media (max-width: 560px) {
main { padding: 1rem .8rem 3rem; }
.card > figure { flex: 1 1 40%; } .bars td + td { width: 4rem; } .card .bars th { width: 50%; }
.card > div { flex-basis: 100%; }
details { padding: .2rem .7rem; }
}
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
        caption: What stands under it, of the large images of a card.
        side: The side in pixels at which it is shown, or `None` for its own size.
    """

    content: bytes | None
    text: str
    caption: str = ""
    side: int | None = None


@dataclass(frozen=True)
class Gallery:
    """Small images in rows, under a heading.

    Attributes:
        heading: The heading.
        pictures: The images.
        name: The name that the heading is of, which comes after it and stands out; or `""`.
        after: What comes after the name.
        kind: `"first"` or `"second"`, the colour of the name, or `""`.
    """

    heading: str
    pictures: Sequence[Picture]
    name: str = ""
    after: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Card:
    """An image that something is said about.

    Attributes:
        heading: What it is called.
        note: What stands after the heading, smaller.
        mark: `True` for right and `False` for wrong, or `None`.
        text: A sentence or two.
        pictures: Large images, side by side.
        shares: Names and shares from 0 to 1, which are drawn as bars.
        galleries: Small images beside them.
    """

    heading: str
    note: str = ""
    mark: bool | None = None
    text: str = ""
    pictures: Sequence[Picture] = ()
    shares: Sequence[tuple[str, float]] = ()
    galleries: Sequence[Gallery] = ()


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
        cards: Images that something is said about.
        sections: Sections within this one, which are folded away until somebody asks for them.
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
    cards: Sequence[Card] = ()
    sections: "Sequence[Section]" = ()


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

    def save_figures(self, folder: Path) -> list[str]:
        """Saves each section's figure under the section's name, as PNG and SVG.

        Args:
            folder: The folder, which is made if there are figures.

        Returns:
            Their names.
        """
        every = [part for each in self.sections for part in (each, *each.sections)]
        found = {each.name: each.figure for each in every if each.figure is not None}
        if found:
            save_figures(folder, found)
        return list(found)


def facts(values: Mapping[str, object]) -> Table:
    """A table of names and values."""
    return Table([(name, str(value)) for name, value in values.items()])


def _section(section: Section, tag: str = "h2") -> str:
    heading = f"<{tag}>{html.escape(section.heading)}</{tag}>"
    parts = []
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
    parts += [_gallery(gallery, "h3") for gallery in section.galleries]
    parts += map(_card, section.cards)
    if section.code:
        parts.append(f"<pre>{html.escape(section.code)}</pre>")
    parts += [_section(each, "h3") for each in section.sections]
    if section.sections:
        parts = [f"<details>\n<summary>{heading}</summary>", *parts, "</details>"]
    else:
        parts = [heading, *parts]
    return f'<section id="{html.escape(section.name, quote=True)}">\n' + "\n".join(
        [*parts, "</section>"]
    )


def _card(card: Card) -> str:
    mark = ""
    if card.mark is not None:
        kind, sign = ("right", "✓") if card.mark else ("wrong", "✗")
        mark = f' <span class="mark {kind}"><span aria-hidden="true">{sign}</span> {kind}</span>'
    note = f" <small>{html.escape(card.note)}</small>" if card.note else ""
    figures = [
        f"<figure>{_picture(picture) if picture.content else ''}"
        f"<figcaption>{html.escape(picture.caption)}</figcaption></figure>"
        for picture in card.pictures
    ]
    beside = [f"<p>{html.escape(card.text)}</p>"] if card.text else []
    if card.shares:
        beside.append(_shares(card.shares))
    if card.galleries:
        galleries = "\n".join(_gallery(gallery, "h4") for gallery in card.galleries)
        beside.append(f'<div class="galleries">\n{galleries}\n</div>')
    parts = "\n".join([*figures, "<div>", *beside, "</div>"])
    return (
        f"<article>\n<h3>{html.escape(card.heading)}{note}{mark}</h3>\n"
        f'<div class="card">\n{parts}\n</div>\n</article>'
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
    return _bar_rows([(name, 100 * number / most, f"{number:,}") for name, number in bars])


def _shares(shares: Sequence[tuple[str, float]]) -> str:
    return _bar_rows([(name, 100 * share, f"{100 * share:.1f} %") for name, share in shares])


def _bar_rows(bars: Sequence[tuple[str, float, str]]) -> str:
    """Names, lengths in percent of the longest that a bar can be, and what stands beside."""
    rows = "\n".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        f'<td><span style="width: {percent:.1f}%"></span></td><td>{text}</td></tr>'
        for name, percent, text in bars
    )
    return f'<table class="bars">\n{rows}\n</table>'


def _gallery(gallery: Gallery, tag: str) -> str:
    pictures = "\n".join(map(_picture, gallery.pictures))
    heading = html.escape(gallery.heading)
    if gallery.name:
        heading += f" <strong>{html.escape(gallery.name)}</strong>{html.escape(gallery.after)}"
    kind = f"gallery {gallery.kind}".strip()
    return (
        f'<div class="{kind}">\n<{tag}>{heading}</{tag}>\n'
        f'<div class="pictures">\n{pictures}\n</div>\n</div>'
    )


def _picture(picture: Picture) -> str:
    if picture.content is None:
        return f"<p>{html.escape(picture.text)}</p>"
    source = base64.b64encode(picture.content).decode("ascii")
    text = html.escape(picture.text, quote=True)
    size = f' width="{picture.side}" height="{picture.side}"' if picture.side else ""
    return f'<img alt="{text}" title="{text}"{size} src="data:image/jpeg;base64,{source}">'


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()
