"""HTML report of a data set before training: what may spoil it, its splits, classes and images."""

from collections.abc import Sequence

import numpy as np

from keras_rbi.datasets.files.checks import Report
from keras_rbi.datasets.files.image_files import read_record
from keras_rbi.datasets.files.image_headers import Headers
from keras_rbi.datasets.files.overview import EqualImages, Overview
from keras_rbi.datasets.files.records import Records
from keras_rbi.figures.contact_sheet import evenly
from keras_rbi.figures.html_report import Gallery, HtmlReport, Picture, Section, Table, facts
from keras_rbi.figures.thumbnail import thumbnail

# Of thumbnails, in pixels.
SIDE = 112
# What a page of a few MiB holds.
MOST_CLASSES, MOST_IMAGES = 40, 6
MOST_BARS = 200
MOST_SENTENCES = 50


def check_report(
    records: Records,
    report: Report,
    overview: Overview,
    command: str,
    classes: int = MOST_CLASSES,
    images_per_class: int = MOST_IMAGES,
) -> HtmlReport:
    """Reports what a check found, warnings first, with pictures of the classes.

    Args:
        records: The images of all splits.
        report: What `check` gives.
        overview: What `overview` gives.
        command: The command that trains on the data.
        classes: Largest number of classes that are shown. Of more, some are taken at even
            distances. Defaults to `40`.
        images_per_class: Largest number of images of each, taken in the same way. Defaults to `6`.

    Returns:
        The report, whose `html()` is to be written to a file.
    """
    title = f"{report.title}: {report.classes:,} classes, {overview.images:,} images"
    return HtmlReport(
        title,
        f"The images in {report.root}, before training.",
        [
            _warnings(report, overview),
            _splits(report, overview),
            _classes(overview),
            _images(overview.headers, overview.images),
            *([_equal(overview.equal)] if overview.equal and overview.equal.groups else []),
            *([_notes(report.notes)] if report.notes else []),
            _contact_sheet(records, classes, images_per_class),
            Section("train", "Train", "", code=command),
        ],
    )


def _warnings(report: Report, overview: Overview) -> Section:
    items = _some([*report.problems, *overview.warnings])
    text = "" if items else "Nothing was found that may spoil a training or its test."
    return Section("warnings", "What to look at first", text, items=items)


def _notes(notes: Sequence[str]) -> Section:
    text = "What was passed over, or taken otherwise than by its name."
    return Section("notes", "Notes", text, items=_some(notes))


def _some(sentences: Sequence[str]) -> list[str]:
    more = len(sentences) - MOST_SENTENCES
    rest = [f"And {more:,} more, which --json shows."] if more > 0 else []
    return [*sentences[:MOST_SENTENCES], *rest]


def _splits(report: Report, overview: Overview) -> Section:
    rows = [
        (
            split,
            f"{counts.images:,}",
            f"{counts.classes:,}",
            f"{counts.fewest:,} to {counts.most:,}",
        )
        for split, counts in report.splits.items()
    ]
    text = overview.split_reason
    if overview.cut_observations is not None:
        cut = overview.cut_observations
        text += f" Of {cut.observations:,} observations {cut.cut:,} are in several splits."
    training = [(split, f"{count:,}") for split, count in overview.drawn.items()]
    return Section(
        "splits",
        "Splits",
        text,
        tables=[
            Table(rows, ("as the data has them", "images", "classes", "images a class")),
            Table(training, ("as they are trained with", "images")),
        ],
    )


def _classes(overview: Overview) -> Section:
    ordered = sorted(overview.images_per_class.items(), key=lambda item: -item[1])
    text = f"The largest class has {overview.imbalance:,.1f} times the images of the smallest."
    if len(ordered) > MOST_BARS:
        half = MOST_BARS // 2
        text += f" Of {len(ordered):,} classes the {half} largest and the {half} smallest are here."
        ordered = ordered[:half] + ordered[-half:]
    smallest = [(name, f"{count:,}") for name, count in overview.smallest_classes.items()]
    return Section(
        "classes",
        "Classes",
        text,
        tables=[Table(smallest, ("the smallest classes", "images"))],
        bars=ordered,
    )


def _images(headers: Headers, images: int) -> Section:
    looked = f"By the headers of {headers.images:,} files"
    looked += f" of {images:,}, spread evenly." if headers.images < images else "."
    extremes = {
        "fewest pixels": headers.smallest,
        "in the middle": headers.median,
        "most pixels": headers.largest,
    }
    sizes = {name: f"{size[0]} x {size[1]}" for name, size in extremes.items() if size}
    return Section(
        "images",
        "Sizes and modes",
        f"{looked} Whatever these are, a model sees RGB at its own size.",
        tables=[
            facts(sizes),
            _counts("commonest sizes", headers.sizes),
            _counts("modes", headers.modes),
            _counts("formats", headers.formats),
        ],
    )


def _counts(heading: str, counts: dict[str, int]) -> Table:
    return Table([(name, f"{count:,}") for name, count in counts.items()], (heading, "images"))


def _equal(equal: EqualImages) -> Section:
    rows = [
        (str(number), f"{file} ({split}, {name})")
        for number, group in enumerate(equal.examples, 1)
        for file, split, name in group
    ]
    text = (
        f"{equal.images:,} files have {equal.groups:,} contents between them, "
        f"{equal.across_splits:,} of them in several splits and {equal.several_classes:,} in "
        "several classes. Copies that were changed are found by keras-rbi datasets leaks."
    )
    if equal.groups > len(equal.examples):
        text += f" The first {len(equal.examples)} contents:"
    return Section("equal", "Equal files", text, tables=[Table(rows, ("content", "file"))])


def _contact_sheet(records: Records, classes: int, images_per_class: int) -> Section:
    there = np.unique(records.labels)
    shown = evenly(there, classes)
    text = (
        f"{len(shown):,} of {len(there):,} classes, at most {images_per_class} images of each, "
        "resized to squares as a model sees them."
    )
    galleries = [
        _of_class(records, int(label), evenly(members, images_per_class), len(members))
        for label in shown
        for members in [np.flatnonzero(records.labels == label)]
    ]
    return Section("contact-sheet", "Contact sheet", text, galleries=galleries)


def _of_class(records: Records, label: int, members: Sequence[int], count: int) -> Gallery:
    name = records.class_names[label]
    return Gallery(
        f"{name} ({count:,})", [_thumbnail(records, int(number), name) for number in members]
    )


def _thumbnail(records: Records, number: int, class_name: str) -> Picture:
    text = f"{class_name}: {records.files[number]}"
    try:
        pixels = read_record(records, number, SIDE)
    except ValueError:
        return Picture(None, f"{text} cannot be read")
    return thumbnail(pixels, text, SIDE)
