"""iNaturalist's export of observations: a CSV file whose photographs were downloaded beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from keras_rbi.datasets.files.named_files import files_by_end, find_each
from keras_rbi.datasets.files.tables import Row

ID, IMAGE, NAME = "id", "image_url", "scientific_name"


def is_inaturalist(header: Sequence[str]) -> bool:
    """Whether a table is such an export, by its columns."""
    return {ID, IMAGE, NAME} <= set(header)


def rows_of_observations(
    path: Path, root: Path, header: Sequence[str], rows: Sequence[Row]
) -> tuple[list[str], list[Row], list[str]]:
    """The observations as a table of files, species and observations.

    The photographs may be called as their address ends, `photos/123/medium.jpg` or
    `123/medium.jpg`; by the photograph's number, `123.jpg` or `123_medium.jpg`; or by the
    observation's. One rule holds for all: the one that finds most, since numbers of photographs
    may be those of other observations.

    Args:
        path: The file, for errors.
        root: The folder of the photographs.
        header: Its columns.
        rows: Its rows.

    Returns:
        The header, the rows, other columns among them, and notes.

    Raises:
        ValueError: If no row has a photograph and a species, or if a photograph has no file.
    """
    places = {name: header.index(name) for name in (ID, IMAGE, NAME)}
    kept = [row for row in rows if row[1].get(places[IMAGE]) and row[1].get(places[NAME])]
    if not kept:
        raise ValueError(
            f"No observation in {str(path)!r} has both {IMAGE} and {NAME}. Export these columns, "
            "of observations that are identified and have photographs."
        )
    by_end = files_by_end(root) if root.is_dir() else {}
    every_name = [
        [rule(row[places[IMAGE]], row[places[ID]]) for _, row in kept] for rule in NAMES_OF_FILES
    ]
    best = max(every_name, key=lambda names: sum(name in by_end for name in names))
    files = find_each(path, root, [[name] for name in best])
    others = [place for place in range(len(header)) if place not in (places[ID], places[IMAGE])]
    table: list[Row] = [
        (
            number,
            dict(
                enumerate(
                    [
                        *(file, row[places[NAME]], row[places[ID]]),
                        *(row.get(place, "") for place in others),
                    ]
                )
            ),
        )
        for (number, row), file in zip(kept, files, strict=True)
    ]
    left = len(rows) - len(kept)
    notes = (
        [f"{left:,} observations of {path.name} without a photograph or a species are left out."]
        if left
        else []
    )
    return ["path", "label", "observation", *(header[place] for place in others)], table, notes


def _end(url: str) -> PurePosixPath:
    """`photos/123/medium.jpg` of a photograph's address."""
    return PurePosixPath(*PurePosixPath(urlsplit(url).path).parts[-3:])


NAMES_OF_FILES: tuple[Callable[[str, str], str], ...] = (
    lambda url, _: str(_end(url)),
    lambda url, _: f"{_end(url).parent.name}/{_end(url).name}",
    lambda url, _: f"{_end(url).parent.name}_{_end(url).stem}",
    lambda url, _: _end(url).parent.name,
    lambda _, observation: observation,
)
