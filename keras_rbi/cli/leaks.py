"""`keras-rbi datasets leaks`."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from keras_rbi.cli.datasets import make_ready
from keras_rbi.cli.output import console, fail, one_line_errors, one_line_warnings, progress_bars
from keras_rbi.datasets.catalogue import TYPEFACES, note_on
from keras_rbi.datasets.files.duplicates import THRESHOLD_DB, Duplicate, find_duplicates
from keras_rbi.datasets.files.image_files import ImageFiles
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.datasets.load import load
from keras_rbi.datasets.splits import ALL_SPLITS
from keras_rbi.figures.duplicates_report import describe, duplicates_html, duplicates_sheet
from keras_rbi.training.run_folder import write_atomically

FORMATS = (".html", ".png", ".svg")
# Pairs on a page and on the terminal; a copied split has thousands.
ON_PAGE, ON_TERMINAL = 200, 10


def leaks(
    name: Annotated[
        str, typer.Argument(help="A name that keras-rbi datasets lists, a folder, or a CSV file.")
    ],
    data_dir: Annotated[
        Path | None,
        typer.Argument(help="The folder with the archives, or with what was extracted from them."),
    ] = None,
    splits: Annotated[
        str,
        typer.Option(
            help="Two of `train`, `validation`, `trainval` and `test`, with a comma; one twice for "
            "duplicates within it."
        ),
    ] = "trainval,test",
    out: Annotated[
        Path | None,
        typer.Option(help="A page with the pairs side by side: an .html, .png or .svg file."),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(min=0.1, help="Decibels of similarity from which a pair is told."),
    ] = THRESHOLD_DB,
    flips: Annotated[
        bool, typer.Option("--flips/--no-flips", help="Whether to find mirrored images.")
    ] = True,
    on_error: Annotated[
        str, typer.Option(help="`raise` or `skip`: what to do about images that cannot be read.")
    ] = "raise",
    seed: Annotated[int, typer.Option(min=0, help="Of the splits that are drawn.")] = 0,
    download: Annotated[
        bool, typer.Option("--download", help="Download what is missing, if it is public.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every pair.")] = False,
) -> None:
    """Find images of one split that are in another too, exactly or nearly.

    Copies that were recompressed, resized, brightened or mirrored are found, crops are not. Ends
    with the exit code 1 where there are any.

    Examples:

    `keras-rbi datasets leaks oxford_pets data/pets --out leaks.html`

    `keras-rbi datasets leaks birds/ --splits train,train` - the same image twice in training
    """
    one, _, other = splits.partition(",")
    if not {one, other} <= set(ALL_SPLITS):
        fail(f"--splits must be two of {', '.join(ALL_SPLITS)}, with a comma. Received: {splits}.")
    if out is not None and out.suffix.lower() not in FORMATS:
        fail(f"--out must be an .html, .png or .svg file. Received: {str(out)!r}.")
    if name == TYPEFACES:
        fail("The typefaces are rendered anew for each split: there are no files to compare.")
    with one_line_errors(), one_line_warnings():
        make_ready(name, data_dir, download)
        data: list[ImageData] = [
            load(name, data_dir, split, 128, seed, on_error=on_error, cache=None)
            for split in dict.fromkeys((one, other))
        ]
        a, b = data[0], data[-1]
        with progress_bars("Comparing: {}") as progress:
            pairs = find_duplicates(a, None if one == other else b, threshold, flips, progress)
        summary = f"{len(pairs):,} pairs of {len(a):,} {one} and {len(b):,} {other} images"
        if one == other:
            summary = f"{len(pairs):,} pairs among {len(a):,} {one} images"
        if out is not None:
            title = f"Duplicates in {Path(name).name}: {one} and {other}"
            _write(out, pairs[:ON_PAGE], a, b, title, summary)
    if as_json:
        content = {
            "splits": [one, other],
            "threshold_db": threshold,
            "images": [len(a), len(b)],
            "pairs": [_as_dict(pair, a, b) for pair in pairs],
            "note": note_on(name),
        }
        print(json.dumps(content, indent=2))
    else:
        _print(pairs, a, b, summary, out, note_on(name))
    if pairs:
        raise typer.Exit(1)


def _write(
    out: Path, pairs: list[Duplicate], a: ImageData, b: ImageData, title: str, summary: str
) -> None:
    if out.suffix.lower() == ".html":
        page = duplicates_html(pairs, a, b, _name, title, summary)
        write_atomically(out, lambda path: path.write_text(page, "utf-8"))
        return
    figure = duplicates_sheet(pairs, a, b, f"{title}\n{summary}")
    write_atomically(out, lambda path: figure.savefig(path, dpi=100))


def _print(
    pairs: list[Duplicate],
    a: ImageData,
    b: ImageData,
    summary: str,
    out: Path | None,
    note: str | None,
) -> None:
    console.print(summary, highlight=False)
    for pair in pairs[:ON_TERMINAL]:
        files = f"{_name(a, pair.first)} and {_name(b, pair.second)}"
        console.print(escape(f"{describe(pair)}: {files}"), highlight=False, soft_wrap=True)
    if len(pairs) > ON_TERMINAL:
        console.print(f"and {len(pairs) - ON_TERMINAL} more: --out draws them, --json lists them")
    if out is not None:
        console.print(f"Page: {escape(str(out))}", highlight=False, soft_wrap=True)
    if note:
        console.print(note)


def _name(data: ImageData, index: int) -> str:
    return str(data.paths[index]) if isinstance(data, ImageFiles) else str(index)


def _as_dict(pair: Duplicate, a: ImageData, b: ImageData) -> dict[str, Any]:
    return {
        "files": [_name(a, pair.first), _name(b, pair.second)],
        "labels": [
            a.class_names[a.labels[pair.first]],
            b.class_names[b.labels[pair.second]],
        ],
        **{
            field.name: getattr(pair, field.name)
            for field in dataclasses.fields(pair)
            if field.name not in ("first", "second")
        },
    }
