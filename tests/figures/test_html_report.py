import base64
import doctest
import io
import re
from html.parser import HTMLParser

from matplotlib.figure import Figure
from PIL import Image

from keras_rbi.figures import html_report
from keras_rbi.figures.html_report import (
    Card,
    Gallery,
    HtmlReport,
    Picture,
    Section,
    Table,
    facts,
)


class Reader(HTMLParser):
    """The text and the tags of a report."""

    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def test_a_report_holds_its_figures_and_loads_nothing():
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1])
    nasty = '<script>alert("x")</script> & $title'
    tables = [Table([["1", nasty]], ["n", "name"]), facts({"data": nasty})]
    report = HtmlReport(nasty, nasty, [Section('a"b', nasty, nasty, figure, tables)])
    written = report.html()
    reader = Reader()
    reader.feed(written)
    assert "script" not in {tag for tag, _ in reader.tags}
    assert "".join(reader.text).count(nasty) == 7
    sources = [attrs["src"] for tag, attrs in reader.tags if tag == "img"]
    assert len(sources) == 1
    kind, content = sources[0].split(",")
    assert kind == "data:image/png;base64"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (220, 110)
    assert not re.search(r"https?://|<link|url\(", written)
    cells = [tag for tag, _ in reader.tags if tag in ("th", "td")]
    assert cells == ["th", "th", "td", "td", "th", "td"]


def test_cards_and_what_is_folded_away_are_escaped_and_named_for_those_who_do_not_see():
    nasty = '<script>alert("x")</script> & $title'
    jpeg = io.BytesIO()
    Image.new("RGB", (4, 4)).save(jpeg, "JPEG")
    picture = Picture(jpeg.getvalue(), nasty, nasty, side=9)
    gallery = Gallery(nasty, [picture, Picture(None, nasty)], nasty, nasty, "first")
    card = Card(nasty, nasty, False, nasty, [picture], [(nasty, 0.25)], [gallery])
    figure = Figure(figsize=(2, 1))
    inner = Section("inner", nasty, nasty, figure)
    report = HtmlReport("t", "s", [Section("a", "b", "c", cards=[card], sections=[inner])])
    reader = Reader()
    reader.feed(report.html())
    tags = [tag for tag, _ in reader.tags]
    assert "script" not in tags
    assert "".join(reader.text).count(nasty) == 11
    images = [attrs for tag, attrs in reader.tags if tag == "img"]
    assert [attrs["alt"] for attrs in images] == [nasty] * 3
    assert "wrong" in "".join(reader.text)
    assert [tag for tag in tags if re.fullmatch("h[1-6]", tag)] == ["h1", "h2", "h3", "h4", "h3"]
    assert tags.index("details") < tags.index("summary") < tags.index("h2") < tags.index("article")
    assert 'style="width: 25.0%"' in report.html()


def test_figures_within_what_is_folded_are_saved(tmp_path):
    inner = Section("inner", "b", "c", Figure(figsize=(2, 1)))
    HtmlReport("t", "s", [Section("a", "b", "c", sections=[inner])]).save_figures(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"inner.png", "inner.svg"}


def test_the_example_gives_what_it_shows():
    results = doctest.testmod(html_report)
    assert results.attempted
    assert not results.failed
