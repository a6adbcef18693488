"""A folder of class folders as a data set."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from keras_rbi.datasets.files.folder_tables import read_folder_tables
from keras_rbi.datasets.files.image_cache import AUTO
from keras_rbi.datasets.files.image_files import ImageFiles, Progress
from keras_rbi.datasets.files.labels_file import read_coco_folder
from keras_rbi.datasets.files.natural_order import natural_key
from keras_rbi.datasets.files.records import SPLITS, Records, numbered
from keras_rbi.datasets.files.scan_images import HIDDEN, Scan, scan_images
from keras_rbi.datasets.files.split_names import SPLIT_OF_NAME, names_of, source_of_splits

# Below a folder of class folders, or of folders of such for the splits.
File = tuple[str, ...]
EXAMPLES = 5
# Folders around the data that hold nothing else.
MOST_WRAPPINGS = 3


class ImageFolder(ImageFiles):
    """The images of a folder that has a folder for each class.

    Where the folder holds folders of the splits with class folders in them, these are the splits.
    They are told by their names, without regard to case: `train`, `training`, `trn`; `val`,
    `valid`, `validation`, `dev`, `eval`; `test`, `testing`, `holdout`. Where there are only those
    for training and validation, the latter is for the test. Where there are none, a fifth of the
    images is for the test, and without a validation folder of its own a tenth of the training
    images for the validation, as `split_indices` draws them. A folder that holds nothing but one
    other is looked into.

    Hidden files, files of the system and files that are no images are passed over; classes are in
    natural order, `2` before `10`.

    Args:
        folder: The folder.
        split: As in `ImageFiles`. Defaults to `"train"`.
        image_size: Integer, the side in pixels to which images are resized. Defaults to `224`.
        seed: Integer, the seed of the split. Defaults to `0`.
        on_error: As in `ImageFiles`. Defaults to `"raise"`.
        progress: As in `ImageFiles`. Defaults to nothing.
        cache: As in `ImageFiles`. Defaults to `"auto"`.
        cache_dir: As in `ImageFiles`. Defaults to `None`.

    Attributes:
        paths: The image files, in the order of the labels.

    Raises:
        ValueError: If the folder is missing, has fewer than two classes, or if its folders are
            laid out so that they may mean several things.
    """

    def __init__(
        self,
        folder: str | Path,
        split: str = "train",
        image_size: int = 224,
        seed: int = 0,
        on_error: str = "raise",
        progress: Progress = lambda *_: None,
        cache: str | None = AUTO,
        cache_dir: str | Path | None = None,
    ) -> None:
        records = read_folder(Path(folder))
        super().__init__(records, split, image_size, seed, on_error, progress, cache, cache_dir)


def read_folder(folder: Path, least_classes: int = 2, of_observations: bool = False) -> Records:
    """The images of a folder of class folders, or of folders of such for the splits.

    Args:
        folder: The folder.
        least_classes: How many classes there must be. Defaults to `2`.
        of_observations: Boolean, whether the class folders hold a folder for each thing: these may
            be called alike. Defaults to `False`.

    Returns:
        Records.

    Raises:
        ValueError: As `ImageFolder` does.
    """
    folder = folder.expanduser()
    if not folder.is_dir():
        raise ValueError(
            f"There is no folder {str(folder)!r}. A data set is a folder with a folder of "
            "images for each class."
        )
    if (labelled := read_folder_tables(folder)) is not None:
        return labelled
    if (labelled := read_coco_folder(folder)) is not None:
        return labelled
    scan = scan_images(folder)
    inner = _without_wrappings(scan)
    of_split = _folders_of_splits(folder, scan, inner)
    depth = len(inner)
    if of_split is None:
        entries = _entries(scan.files, depth)
        if not of_observations:
            _refuse_other_layouts(folder, scan, entries, depth)
        splits = None
    else:
        depth += 1
        some = {
            split: _entries([file for file in scan.files if file[:depth] == (*inner, name)], depth)
            for split, name in of_split.items()
        }
        _refuse_unknown_classes(folder, inner, of_split, some)
        entries = [entry for split in some.values() for entry in split]
        splits = [split for split, found in some.items() for _ in found]
    _refuse_few_classes(folder, scan, entries, least_classes)
    names = [name for name, _ in entries]
    labels, class_names = numbered(names)
    files = ["/".join(file) for _, file in entries]
    records = Records(folder, files, labels, class_names, splits)
    if of_split is not None:
        records.split_source = source_of_splits(of_split)
    if inner:
        records.notes.append(f"Looked into {'/'.join(inner)!r}, the only folder there.")
    records.notes += scan.notes()
    records.hidden = scan.passed_over[HIDDEN]
    records.notes += _left_out(scan, depth, of_split, inner, set(class_names))
    return records


def _entries(files: Iterable[File], depth: int) -> list[tuple[str, File]]:
    """Class and file of each image that is in a folder at that depth."""
    return [(file[depth], file) for file in files if len(file) > depth + 1]


def _without_wrappings(scan: Scan) -> File:
    """The folder that holds the class folders or those of the splits: below folders of one."""
    inner: File = ()
    while len(inner) < MOST_WRAPPINGS:
        depth = len(inner)
        tops = {file[depth] for file in scan.files if file[:depth] == inner and len(file) > depth}
        deeper = [file for file in scan.files if len(file) > depth + 2]
        if len(tops) != 1 or not deeper or len(deeper) < len(scan.files):
            break
        inner = (*inner, tops.pop())
    return inner


def _folders_of_splits(folder: Path, scan: Scan, inner: File) -> dict[str, str] | None:
    """Names of the folders of the splits, or `None` where the images are not split."""
    depth = len(inner)
    tops = [
        parts[depth] for parts in scan.folders if len(parts) == depth + 1 and parts[:depth] == inner
    ]
    found: dict[str, list[str]] = defaultdict(list)
    for name in tops:
        if (split := SPLIT_OF_NAME.get(name.lower())) is not None:
            found[split].append(name)
    if "train" not in found:
        if found and len(tops) == sum(map(len, found.values())):
            raise ValueError(
                f"The folders in {str(folder)!r} are called as splits, {_list(tops)}, and none as "
                f"the training images are: {names_of('train')}. Rename one."
            )
        return None
    for split, names in found.items():
        if len(names) > 1:
            raise ValueError(
                f"Several folders in {str(folder)!r} are called as the {split} images: "
                f"{_list(names)}. Keep one, or rename the others."
            )
    unlabelled = [
        names[0]
        for names in found.values()
        if not _entries([f for f in scan.files if f[: depth + 1] == (*inner, names[0])], depth + 1)
    ]
    if unlabelled and set(found) != {"train"}:
        raise ValueError(
            f"{_list(unlabelled)} in {str(folder)!r} has no class folders with images, so that its "
            "images have no labels. Take it out of the folder, so that a test is drawn from the "
            "training images, and name its images with `keras-rbi predict`."
        )
    others = [name for name in tops if SPLIT_OF_NAME.get(name.lower()) is None]
    if others and any(len(file) > depth + 1 and file[depth] in others for file in scan.files):
        called = [name for names in found.values() for name in names]
        raise ValueError(
            f"{str(folder)!r} has folders called as splits, {_list(called)}, beside others with "
            f"images, {_list(others)}. Take out those that are no split, or rename the splits if "
            "they are classes."
        )
    if set(found) == {"train"}:
        # Not a split of anything, and without class folders, or it would have been looked into.
        return None
    of_split = {split: names[0] for split, names in found.items()}
    if "test" not in of_split:
        # Alone it is held out from training, as a test is; what it is called says nothing else.
        of_split["test"] = of_split.pop("validation")
    return {split: of_split[split] for split in SPLITS if split in of_split}


def _refuse_other_layouts(
    folder: Path, scan: Scan, entries: list[tuple[str, File]], depth: int
) -> None:
    """Refuses folders in which classes and splits may have changed places."""
    inner: dict[str, set[str]] = defaultdict(set)
    for name, file in entries:
        if len(file) > depth + 2:
            inner[name].add(file[depth + 1])
    classes = {name for name, _ in entries}
    same = set(map(frozenset, inner.values()))
    if len(classes) > 1 and len(inner) == len(classes) and len(same) == 1:
        (subfolders,) = same
        if len(subfolders) > 1:
            raise ValueError(
                f"Every folder in {str(folder)!r} holds the same folders, "
                f"{_list(sorted(subfolders, key=natural_key))}. Expected a folder for each class, "
                f"or folders for the splits ({names_of('train')}; {names_of('test')}) with a "
                "folder for each class in each. Swap the levels, or flatten the inner ones; or say "
                "that they show one thing each (--observations folders)."
            )


def _refuse_unknown_classes(
    folder: Path, inner: File, of_split: dict[str, str], some: dict[str, list[tuple[str, File]]]
) -> None:
    known = {label for label, _ in some["train"]}
    for split, entries in some.items():
        unknown = {label for label, _ in entries} - known
        if unknown:
            raise ValueError(
                f"{str(folder.joinpath(*inner, of_split[split]))!r} has classes that the training "
                f"images lack: {_list(sorted(unknown, key=natural_key))}."
            )


def _refuse_few_classes(
    folder: Path, scan: Scan, entries: list[tuple[str, File]], least: int
) -> None:
    classes = {name for name, _ in entries}
    if len(classes) >= least:
        return
    found = f"only {next(iter(classes))!r}" if classes else "none"
    flat = sum(len(file) == 1 for file in scan.files)
    tables = sorted(
        path.name
        for path in folder.iterdir()
        if path.suffix.lower() in (".csv", ".tsv", ".json", ".jsonl")
    )
    mend = "Put the images of each class into a folder of its own, called as the class."
    if tables:
        mend = f"If {tables[0]} says what they show, name it instead: {folder / tables[0]}."
    raise ValueError(
        f"A data set needs at least two class folders with images. Found in {str(folder)!r}: "
        f"{found}{f', and {flat:,} images in no folder' if flat else ''}. "
        f"{' '.join([*scan.notes(), mend])}"
    )


def _left_out(
    scan: Scan, depth: int, of_split: dict[str, str] | None, inner: File, classes: set[str]
) -> list[str]:
    """Sentences on images and folders that belong to no class."""
    above = [file for file in scan.files if len(file) <= depth + 1]
    notes = []
    if above:
        where = Counter("/".join(file[:-1]) or "the folder itself" for file in above)
        notes.append(
            f"{len(above):,} images are in no class folder and are left out: "
            + ", ".join(f"{count:,} in {name}" for name, count in where.items())
            + "."
        )
    empty = [
        "/".join(parts)
        for parts in scan.folders
        if len(parts) == depth + 1
        and parts[: len(inner)] == inner
        and (of_split is None or parts[depth - 1] == of_split.get("train"))
        and parts[depth] not in classes
    ]
    if empty:
        notes.append(f"{len(empty)} folders without an image are no classes: {_list(empty)}.")
    return notes


def _list(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - EXAMPLES} more" if len(names) > EXAMPLES else ""
    return ", ".join(map(repr, names[:EXAMPLES])) + more
