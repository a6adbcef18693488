"""`keras-rbi datasets`."""

import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from keras_rbi.atomic_write import write_atomically
from keras_rbi.cli.common_options import reports
from keras_rbi.cli.destination import check_file
from keras_rbi.cli.output import (
    PATIENCE,
    advise,
    asked,
    console,
    doing,
    fail,
    marked,
    one_line,
    one_line_errors,
    one_line_warnings,
    print_json,
    progress_bars,
)
from keras_rbi.datasets.catalogue import DATASETS, TYPEFACES
from keras_rbi.datasets.dataset_info import DatasetInfo

if TYPE_CHECKING:
    from keras_rbi.datasets.files.checks import Report
    from keras_rbi.datasets.files.overview import Overview
    from keras_rbi.datasets.files.records import Records

app: typer.Typer = typer.Typer(
    help="List the data sets, and check or show those you have.", no_args_is_help=False
)
# Problems that are printed; a folder of broken images can have thousands.
SHOWN = 20
# The smallest classes that are named.
NAMED = 5


@app.callback(invoke_without_command=True)
@reports
def datasets(
    context: typer.Context,
) -> None:
    """List the data sets that train and datasets check take by name.

    Examples:

    `keras-rbi datasets` - all of them

    `keras-rbi datasets check cub_200_2011 data/` - whether data/ holds this one as it was released
    """
    if context.invoked_subcommand:
        return
    if asked.json:
        print_json([_as_dict(info) for info in DATASETS.values()])
        return
    table = Table(title=f"{len(DATASETS) + 1} data sets")
    table.add_column("name", no_wrap=True)
    table.add_column("classes", justify="right")
    for split in ("train", "validation", "test"):
        table.add_column(split, justify="right")
    table.add_column("download")
    for info in DATASETS.values():
        counts = (info.images.get(split) for split in ("train", "validation", "test"))
        table.add_row(
            info.name,
            f"{info.classes:,}",
            *("held out" if count is None else f"{count:,}" for count in counts),
            "yes" if _downloads(info) else "no",
        )
    table.add_row(TYPEFACES, "22", "any", "880", "2,200", "needless")
    console.print(table)
    console.print("Their pages, files and options: keras-rbi datasets --json")
    console.print("Your own: a folder with a folder of images for each class, or a CSV file.")
    advise("Next: keras-rbi train --dataset cub_200_2011 --data-dir data --download")


@app.command("check")
@reports
def check_dataset(
    name: Annotated[
        str, typer.Argument(help="A name that keras-rbi datasets lists, a folder, or a CSV file.")
    ],
    data_dir: Annotated[
        Path | None,
        typer.Argument(help="The folder with the archives, or with what was extracted from them."),
    ] = None,
    decode: Annotated[
        bool,
        typer.Option(
            "--decode",
            help="Read every image, which takes minutes, and look at every file of more than "
            "10,000.",
        ),
    ] = False,
    page: Annotated[
        Path | None,
        typer.Option("--html", help="Write a page with pictures of the classes: an .html file."),
    ] = None,
    coarse: Annotated[
        str | None, typer.Option(help="Level of the coarse labels. [default: the set's first]")
    ] = None,
    subset: Annotated[
        str | None, typer.Option(help="`full` or `mini` of inaturalist_2021.")
    ] = None,
    observations: Annotated[
        str | None,
        typer.Option(help="As in train: which images show one thing.", metavar="PATTERN"),
    ] = None,
    download_it: Annotated[
        bool, typer.Option("--download", help="Download what is missing, if it is public.")
    ] = False,
) -> None:
    """Look at data before training: splits, classes, sizes, copies, files that cannot be read.

    What was released is compared with its release: counts, order of labels, missing files. Ends
    with the exit code 1 where something differs, or where a file is missing or cannot be read.

    Examples:

    `keras-rbi datasets check stanford_dogs data/dogs`

    `keras-rbi datasets check birds/ --decode` - a folder of your own, with every image read

    `keras-rbi datasets check birds/ --html birds.html` - with pictures
    """
    from keras_rbi.datasets.files.checks import check, unreadable
    from keras_rbi.datasets.files.overview import overview
    from keras_rbi.datasets.files.records import PERMUTATION
    from keras_rbi.datasets.load import check_options, read_unchecked

    asked_for = {"coarse": coarse, "subset": subset, "observations": observations}
    options = {key: value for key, value in asked_for.items() if value}
    if page is not None and page.suffix.lower() not in (".html", ".htm"):
        fail(f"--html must be an .html file. Received: {str(page)!r}.")
    check_file(page, "--html")
    with one_line_errors(), one_line_warnings():
        if name == TYPEFACES:
            fail("The typefaces are rendered where they are used: there are no files to check.")
        if name in DATASETS:
            check_options(DATASETS[name], options)
        make_ready(name, data_dir, download_it, subset)
        with doing("Listing the images", PATIENCE):
            records = read_unchecked(name, data_dir, options)
        report = check(records, DATASETS.get(name), options)
        with progress_bars("Looking at {}") as progress:
            rule = PERMUTATION if name in DATASETS else None
            found = overview(records, decode, rule, progress)
    if decode:
        with progress_bars("Reading {} images") as progress:
            report.problems.extend(unreadable(records, progress))
    elif not report.problems:
        # Missing files are told in one sentence before.
        report.problems.extend(found.headers.unreadable)
    command = _train(name, data_dir, observations)
    if page is not None:
        with one_line_errors(), doing("Drawing the page"):
            _write(page, records, report, found, command)
    if asked.json:
        print_json(dataclasses.asdict(report) | {"overview": dataclasses.asdict(found)})
    else:
        _print(report, found, name, command)
        if page is not None:
            console.print(f"Page: {one_line(str(page))}", highlight=False, soft_wrap=True)
    if report.problems:
        raise typer.Exit(1)


def make_ready(
    name: str, data_dir: Path | None, download_it: bool, subset: str | None = None
) -> None:
    """Downloads what is missing of a released set, if it is to, and extracts it, with bars.

    Raises:
        ValueError: If it cannot be.
    """
    from keras_rbi.datasets.archives.download import download
    from keras_rbi.datasets.archives.locate import locate

    info = DATASETS.get(name)
    if download_it and info is None:
        raise ValueError(f"{name!r} is none of the released data sets, so it has no address.")
    if download_it and data_dir is None:
        raise ValueError("Say where to put what is downloaded: --data-dir.")
    if info is None or data_dir is None:
        return
    if download_it:
        with progress_bars("Downloading {}") as progress:
            download(info, data_dir, subset, progress)
    with progress_bars("Extracting {}") as progress:
        locate(info, data_dir, subset, progress)


def _write(
    page: Path, records: "Records", report: "Report", found: "Overview", command: str
) -> None:
    from keras_rbi.figures.check_report import check_report

    # Names that are not in the system's encoding have no place in UTF-8.
    content = check_report(records, report, found, command).html().encode("utf-8", "replace")
    write_atomically(page, lambda path: path.write_bytes(content))


def _train(name: str, data_dir: Path | None, observations: str | None = None) -> str:
    where = "" if data_dir is None else f" --data-dir {shlex.quote(str(data_dir))}"
    where += "" if observations is None else f" --observations {shlex.quote(observations)}"
    return f"keras-rbi train --dataset {shlex.quote(name)}{where}"


def _print(report: "Report", found: "Overview", name: str, command: str) -> None:
    info = DATASETS.get(name)
    groups = "" if report.groups is None else f", {report.groups} groups"
    table = Table(title=f"{report.title}: {report.classes} classes{groups}")
    of_release = ("as released",) if info else ()
    for column in ("split", "images", *of_release, "classes", "images a class"):
        table.add_column(column, justify="left" if column == "split" else "right")
    for split, counts in report.splits.items():
        released = info.images.get(split) if info else None
        table.add_row(
            split,
            f"{counts.images:,}",
            *("" if released is None else f"{released:,}" for _ in of_release),
            f"{counts.classes:,}",
            f"{counts.fewest:,} to {counts.most:,}",
        )
    console.print(table)
    console.print(one_line(report.root), highlight=False, soft_wrap=True)
    for sentence in _sentences(found):
        console.print(one_line(sentence), highlight=False, soft_wrap=True)
    mark = "[red]differs[/red]" if info else "[red]problem[/red]"
    for problem in report.problems[:SHOWN]:
        console.print(f"{mark} {marked(problem)}", highlight=False, soft_wrap=True, markup=True)
    if len(report.problems) > SHOWN:
        console.print(f"and {len(report.problems) - SHOWN} more: --json shows them all")
    for warning in found.warnings:
        line = f"[yellow]warning[/yellow] {marked(warning)}"
        console.print(line, highlight=False, soft_wrap=True, markup=True)
    for note in report.notes:
        line = f"[yellow]note[/yellow] {marked(note)}"
        console.print(line, highlight=False, soft_wrap=True, markup=True)
    if not report.problems:
        what = "All as it was released." if info else "No file is missing."
        console.print(what, style="green", highlight=False)
    if info and info.note:
        console.print(info.note)
    advise(f"Next: {command}")


def _sentences(found: "Overview") -> list[str]:
    """What there is to know, a line each."""
    drawn = ", ".join(f"{count:,} {split}" for split, count in found.drawn.items())
    smallest = ", ".join(
        f"{name} ({count:,})" for name, count in list(found.smallest_classes.items())[:NAMED]
    )
    return [
        f"Splits: {drawn}. {found.split_reason}",
        f"Classes: the largest has {found.imbalance:,.1f} times the images of the smallest. The "
        f"smallest: {smallest}.",
        _about_headers(found),
        _about_copies(found),
        *_about_observations(found),
    ]


def _about_headers(found: "Overview") -> str:
    headers = found.headers
    if headers.smallest is None or headers.median is None or headers.largest is None:
        return f"Images: none of {headers.images:,} headers can be read."
    sizes = dict.fromkeys(
        f"{width} x {height}" for width, height in (headers.smallest, headers.largest)
    )
    middle = f", {headers.median[0]} x {headers.median[1]} in the middle" if len(sizes) > 1 else ""
    looked = "by their headers"
    if headers.images < found.images:
        looked = f"by the headers of {headers.images:,} files, spread evenly (of all with --decode)"
    kinds = f"{_counted(headers.modes)}; {_counted(headers.formats)}"
    return f"Images: {' to '.join(sizes)} pixels{middle}; {kinds}; {looked}."


def _about_copies(found: "Overview") -> str:
    if found.equal is None:
        return "Copies: equal files of more than 10,000 are looked for with --decode."
    if not found.equal.groups:
        return "Copies: no two files are equal."
    return (
        f"Copies: {found.equal.images:,} files have {found.equal.groups:,} contents, "
        f"{found.equal.across_splits:,} of them in several splits. Changed copies: keras-rbi "
        "datasets leaks."
    )


def _about_observations(found: "Overview") -> list[str]:
    cut = found.cut_observations
    return [] if cut is None else [f"Observations: {cut.observations:,}, {cut.cut:,} of them cut."]


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _downloads(info: DatasetInfo) -> bool:
    return all(file.url for file in info.files)


def _as_dict(info: DatasetInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "title": info.title,
        "page": info.page,
        "classes": info.classes,
        "images": dict(info.images),
        "options": {name: list(choices) for name, choices in info.options.items()},
        "files": [file.name for file in info.files],
        "download": _downloads(info),
        "tfds": info.tfds,
        "note": info.note,
    }
