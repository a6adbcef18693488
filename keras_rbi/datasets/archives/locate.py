"""Finding a released data set: extracted, or in its archives."""

from pathlib import Path

from keras_rbi.datasets.archives.extraction import extract_all
from keras_rbi.datasets.dataset_info import BytesProgress, DatasetInfo, ReleasedFile

EXTRACTED = "-extracted"


def locate(
    info: DatasetInfo,
    data_dir: str | Path,
    subset: str | None = None,
    progress: BytesProgress = lambda *_: None,
) -> Path:
    """The folder that a reader takes, which is extracted from the archives where it has to be.

    Args:
        info: The set.
        data_dir: The folder that holds the set's folder, or its archives, or a folder named after
            the set with either; or the set's folder itself.
        subset: The option of the set, where it has one. Defaults to `None`.
        progress: As in `extract_all`. Defaults to nothing.

    Returns:
        The folder.

    Raises:
        ValueError: If neither is there, with the files that are needed and where they come from,
            or if an archive is broken or unsafe.
    """
    data_dir = Path(data_dir)
    found = find_extracted(info, data_dir)
    if found is not None:
        return found
    for base in (data_dir, data_dir / info.name):
        archives = present(info, base, subset)
        if archives is not None:
            target = base / (info.name + EXTRACTED)
            extract_all(archives, target, progress=progress)
            found = find_extracted(info, data_dir)
            if found is None:
                raise ValueError(
                    f"The files {', '.join(path.name for path in archives)} in {str(base)!r} do "
                    f"not hold {info.title} as it was released: {_wanted(info)}."
                )
            return found
    raise ValueError(missing_message(info, data_dir, subset))


def find_extracted(info: DatasetInfo, data_dir: Path) -> Path | None:
    """The extracted folder of a set, or None where it is not there."""
    bases = [
        base / inner
        for base in (data_dir, data_dir / info.name)
        for inner in (".", info.name + EXTRACTED)
    ]
    for base in bases:
        for folder in (".", *info.folders):
            place = base / folder
            if any(all((place / name).exists() for name in group) for group in info.markers):
                return place
    return None


def needed_files(info: DatasetInfo, subset: str | None = None) -> list[ReleasedFile]:
    """The files without which a set cannot be read, in the first way to have it.

    Args:
        info: The set.
        subset: The way to have it, where there are several. Defaults to `None`.
    """
    ways = _ways(info, subset)
    return [file for file in info.files if file.needed and file.alternative in (None, ways[0])]


def present(info: DatasetInfo, base: Path, subset: str | None) -> list[Path] | None:
    """The files of a set in a folder, or None where one that is needed is missing."""
    for way in _ways(info, subset):
        needed = needed_files(info, way)
        if all((base / file.name).is_file() for file in needed):
            optional = [file for file in info.files if not file.needed]
            return [
                base / file.name for file in (*needed, *optional) if (base / file.name).is_file()
            ]
    return None


def _ways(info: DatasetInfo, subset: str | None) -> list[str | None]:
    if subset is not None:
        return [subset]
    ways = dict.fromkeys(file.alternative for file in info.files if file.alternative)
    return list(ways) or [None]


def missing_message(info: DatasetInfo, data_dir: Path, subset: str | None = None) -> str:
    """What to tell someone who lacks a set's files."""
    files = needed_files(info, subset)
    missing = [
        file.name
        for file in files
        if not any((base / file.name).is_file() for base in (data_dir, data_dir / info.name))
    ]
    there = "" if data_dir.is_dir() else " (which does not exist)"
    how = (
        "or pass download=True (on the command line --download)"
        if all(file.url for file in files)
        else "it cannot be downloaded without the page"
    )
    return (
        f"{info.title} is not in {str(data_dir)!r}{there}: neither {_wanted(info)} nor the "
        f"archives that hold them. Missing: {', '.join(missing)}. Get them from "
        f"{info.page} and put them into {str(data_dir)!r}; {how}."
    )


def _wanted(info: DatasetInfo) -> str:
    return "a folder with " + " or one with ".join(", ".join(group) for group in info.markers)
