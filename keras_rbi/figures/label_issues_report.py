"""HTML report of doubtful labels: each image beside its look-alikes of both classes."""

import base64
import html
import io
from collections.abc import Sequence
from string import Template

from PIL import Image

from keras_rbi.datasets.image_data import ImageData
from keras_rbi.evaluation.label_issues import LabelIssue, LabelIssues

# Pixels of a picture's side, as it is stored and as it is shown, the larger for the suspects.
STORED, LARGE, SMALL = 192, 176, 96
QUALITY = 85
MOST = 100

REPORT = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --ink: #222; --soft: #5c5c5c; --paper: #fff; --line: #ddd;
  --given: #a84300; --suggested: #00629b; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --soft: #a9a9a9; --paper: #16181b; --line: #3a3d42;
    --given: #f0a06a; --suggested: #74bdf0; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 0; }
main { max-width: 1000px; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; font-weight: 600; margin: 0 0 .6rem; overflow-wrap: anywhere; }
p { margin: .3rem 0 .8rem; max-width: 46rem; }
code { font-size: .92em; overflow-wrap: anywhere; }
article { display: grid; grid-template-columns: ${large}px 1fr; gap: 0 1.5rem;
  border-top: 1px solid var(--line); padding: 1.2rem 0; }
article h2 { grid-column: 1 / -1; }
h2 small { color: var(--soft); font-weight: 400; font-size: .85rem; }
img { display: block; max-width: 100%; height: auto; border-radius: 4px; }
.alike { margin: 0 0 .8rem; }
.alike h3 { font-size: .95rem; font-weight: 400; line-height: 1.35; margin: 0 0 .35rem;
  overflow-wrap: anywhere; }
.given strong { color: var(--given); } .suggested strong { color: var(--suggested); }
.row { display: flex; flex-wrap: wrap; gap: .4rem; }
.row p { color: var(--soft); font-size: .9rem; margin: 0; }
@media (max-width: 560px) { article { grid-template-columns: 1fr; gap: .7rem 0; } }
</style>
</head>
<body>
<main>
<h1>$title</h1>
<p>$summary</p>
<p>$instructions</p>
$articles
</main>
</body>
</html>
""")
INSTRUCTIONS = (
    "Each image stands beside those that look most like it: some with its own label, and some of "
    "the class that its features speak for. The most doubtful come first. A doubt is no verdict: "
    "look, and write what is right into the column <code>corrected</code> of the table: the name "
    "of a class, which may be the label that stands there, or <code>remove</code> to leave the "
    "image out. <code>keras-rbi train --corrections</code> reads the table."
)


def label_issues_report(
    issues: LabelIssues, name: str = "the data", most: int = MOST, look_alikes: int = 3
) -> str:
    """A self-contained HTML report of doubtful labels.

    Args:
        issues: What `find_label_issues` gives.
        name: What to call the data. Defaults to `"the data"`.
        most: Integer, how many labels to show at most. Defaults to `100`.
        look_alikes: Integer, how many images of either class to show beside each. Defaults to `3`.

    Returns:
        The HTML, with its images inside. All text is escaped.

    Example:

    >>> data = keras_rbi.datasets.Typefaces("train", per_class=4, image_size=32)
    >>> backbone = keras_rbi.backbones.SmallCNN((32, 32, 3))
    >>> model = keras_rbi.models.backbone_classifier(backbone, len(data.class_names))
    >>> found = keras_rbi.evaluation.find_label_issues(model, data, folds=2)
    >>> report = keras_rbi.figures.label_issues_report(found, most=2)
    >>> report.count("<article")
    2
    """
    shown = issues.issues[:most]
    pictures = _Pictures(issues)
    summary = issues.summary
    if len(shown) < len(issues):
        summary += f" The {len(shown):,} most doubtful are shown, the table has them all."
    return REPORT.substitute(
        title=html.escape(f"Labels worth doubting in {name}"),
        summary=html.escape(summary),
        instructions=INSTRUCTIONS if shown else "",
        large=LARGE,
        articles="\n".join(
            _article(issues, issue, rank, pictures, look_alikes)
            for rank, issue in enumerate(shown, 1)
        ),
    )


class _Pictures:
    """Images as `<img>`, each encoded once: many are look-alikes of several."""

    def __init__(self, issues: LabelIssues) -> None:
        self.data: ImageData = issues.data
        self.name = issues.name
        self._sources: dict[int, str] = {}

    def tag(self, index: int, side: int) -> str:
        label = self.data.class_names[self.data.labels[index]]
        text = html.escape(f"{self.name(index)}, labelled {label}", quote=True)
        return (
            f'<img src="{self._source(index)}" width="{side}" height="{side}" '
            f'alt="{text}" title="{text}" loading="lazy">'
        )

    def _source(self, index: int) -> str:
        if index not in self._sources:
            picture = Image.fromarray(self.data.image(index))
            picture.thumbnail((STORED, STORED), Image.Resampling.BILINEAR)
            content = io.BytesIO()
            picture.save(content, "JPEG", quality=QUALITY)
            encoded = base64.b64encode(content.getvalue()).decode("ascii")
            self._sources[index] = f"data:image/jpeg;base64,{encoded}"
        return self._sources[index]


def _article(
    issues: LabelIssues, issue: LabelIssue, rank: int, pictures: _Pictures, count: int
) -> str:
    names = issues.data.class_names
    rows = "\n".join(
        _row(
            kind,
            f"{words} <strong>{html.escape(names[label])}</strong>, {100 * probability:.1f}&nbsp;%",
            issues.look_alikes(issue.index, label, count),
            pictures,
        )
        for kind, words, label, probability in (
            ("given", "Labelled", issue.given, issue.probability_given),
            ("suggested", "Looks like", issue.suggested, issue.probability_suggested),
        )
    )
    splits: Sequence[str] | None = getattr(issues.data, "splits", None)
    split = "" if splits is None else f" <small>{html.escape(splits[issue.index])}</small>"
    return (
        f'<article id="{rank}">\n<h2>{rank}. {html.escape(issues.name(issue.index))}{split}</h2>\n'
        f"{pictures.tag(issue.index, LARGE)}\n<div>\n{rows}\n</div>\n</article>"
    )


def _row(kind: str, heading: str, alike: Sequence[int], pictures: _Pictures) -> str:
    tags = "\n".join(pictures.tag(index, SMALL) for index in alike)
    return (
        f'<div class="alike {kind}">\n<h3>{heading}</h3>\n'
        f'<div class="row">\n{tags or "<p>no other image</p>"}\n</div>\n</div>'
    )
