"""Any data set by its name."""

import difflib
import warnings
from pathlib import Path
from typing import Any

from keras_rbi._lazy import resolve
from keras_rbi.checks import positive_integer
from keras_rbi.datasets.archives.download import download as download_files
from keras_rbi.datasets.archives.locate import locate
from keras_rbi.datasets.catalogue import DATASETS, OWN_OPTIONS, SOURCES, TYPEFACES
from keras_rbi.datasets.dataset_info import DatasetInfo
from keras_rbi.datasets.files.alike_names import told_of_alike_names
from keras_rbi.datasets.files.checks import check
from keras_rbi.datasets.files.corrections import corrected_records, read_corrections
from keras_rbi.datasets.files.dataset_warning import DatasetWarning
from keras_rbi.datasets.files.image_cache import AUTO
from keras_rbi.datasets.files.image_files import ON_ERROR, ImageFiles, Progress
from keras_rbi.datasets.files.image_folder import read_folder
from keras_rbi.datasets.files.labels_file import read_labels_file
from keras_rbi.datasets.files.observation_names import (
    FOLDERS,
    cut_observations,
    with_observations,
)
from keras_rbi.datasets.files.records import PERMUTATION, Records
from keras_rbi.datasets.files.tables import SUFFIXES, Columns
from keras_rbi.datasets.image_data import ImageData
from keras_rbi.datasets.splits import small_classes
from keras_rbi.datasets.tfds_source import read_prepared


def load(
    name: str | Path,
    data_dir: str | Path | None = None,
    split: str = "train",
    image_size: int | None = None,
    seed: int = 0,
    source: str = "files",
    on_error: str = "raise",
    download: bool = False,
    progress: Progress = lambda *_: None,
    cache: str | None = AUTO,
    cache_dir: str | Path | None = None,
    split_rule: str | None = None,
    corrections: str | Path | None = None,
    **options: Any,
) -> ImageData:
    """One split of a data set: a released one by its name, or one of your own by its path.

    What was read is compared with what was released: other counts, labels or missing files are
    told in a `DatasetWarning`.

    Args:
        name: A name of `keras_rbi.datasets.available()`, such as `"cub_200_2011"`; the path of a
            folder of class folders, as in `ImageFolder`; or that of a table of paths and labels
            (CSV, TSV, JSON, JSON lines, Parquet, or a list in a `.txt` file), or of an export of
            Label Studio or iNaturalist, as in `read_labels_file`.
        data_dir: Where a released set lies: the folder with its archives or with what was
            extracted from them. Of a table, the folder that its paths start from, by default the
            table's own. Defaults to `None`.
        split: `"train"`, `"validation"`, `"test"`, or `"trainval"`, the first two together, which
            published protocols train on. Where there is no official validation split, a tenth of
            each class's training images is held out. Defaults to `"train"`.
        image_size: Integer, the side in pixels to which images are resized. By default 224, and 64
            for the typefaces. Defaults to `None`.
        seed: Integer, of the images held out. Defaults to `0`.
        source: `"files"`, or `"tfds"` for the set as TensorFlow Datasets has prepared it in
            `data_dir`. Defaults to `"files"`.
        on_error: As in `ImageFiles`. Defaults to `"raise"`.
        download: Boolean, whether to download the files of a released set that are missing, into
            `data_dir`, where their address is public. Defaults to `False`.
        progress: Function of a name, the number of things done and of all of them: images of a
            split that `"skip"` reads, bytes of a file that is downloaded. Defaults to nothing.
        cache: As in `ImageFiles`. Defaults to `"auto"`.
        cache_dir: As in `ImageFiles`. Defaults to `None`.
        split_rule: As in `ImageFiles`. Defaults to `None`: `"hash"` for data of your own,
            `"permutation"` for the released sets, as in version 0.1.
        corrections: A table of corrected labels, as `read_corrections` takes. Images stay in the
            split that they had before. Defaults to `None`.
        **options: Options of the set: `coarse` of nabirds, fgvc_aircraft and inaturalist_2021,
            `class_order` of tiny_imagenet_200, `subset` of inaturalist_2021; `per_class`, `text`
            and `fonts` of the typefaces. Of your own data: `min_images`, the least that a class
            must have, or it is left out; `observations`, by what it is told which images show one
            thing, `"folders"` for a folder of each in those of the classes, or a pattern of file
            names; and `path_column`, `label_column`, `split_column` and `observation_column` of
            a table whose columns cannot be told by their names.

    Returns:
        An `ImageData`; of everything that lies in files, an `ImageFiles`.

    Raises:
        ValueError: If there is no such set, or if its files are not there, with what is missing,
            where it comes from and where to put it.

    Example:

    >>> data = keras_rbi.datasets.load("typefaces", split="test", per_class=2)
    >>> len(data), data.coarse_names[0]
    (44, 'DejaVu Sans')
    """
    if source not in SOURCES:
        raise ValueError(f"`source` must be one of {SOURCES}. Received: source={source!r}.")
    if str(name) == TYPEFACES:
        _refuse_for_typefaces(
            data_dir=data_dir is not None,
            source=source != SOURCES[0],
            on_error=on_error != ON_ERROR[0],
            download=download,
            cache=cache != AUTO,
            cache_dir=cache_dir is not None,
            corrections=corrections is not None,
        )
        if image_size is not None:
            options["image_size"] = image_size
        return resolve("keras_rbi.datasets.typefaces:Typefaces")(split, seed=seed, **options)
    records = read_records(name, data_dir, source, download, progress, **options)
    if corrections is not None:
        records = correct(records, corrections, seed, split_rule)
    size = 224 if image_size is None else image_size
    return ImageFiles(records, split, size, seed, on_error, progress, cache, cache_dir, split_rule)


def read_records(
    name: str | Path,
    data_dir: str | Path | None = None,
    source: str = "files",
    download: bool = False,
    progress: Progress = lambda *_: None,
    **options: Any,
) -> Records:
    """What is known of the images of all splits, as `load` reads it.

    Args:
        name: As in `load`, but not the typefaces.
        data_dir: As in `load`.
        source: As in `load`.
        download: As in `load`.
        progress: As in `load`.
        **options: As in `load`.

    Returns:
        Records, after a `DatasetWarning` where something is not as it should be.

    Raises:
        ValueError: As `load` does.
    """
    info = DATASETS.get(str(name))
    if info is not None:
        check_options(info, options)
    if source == "tfds":
        if info is None:
            raise ValueError(f"TensorFlow Datasets has no {str(name)!r}. Use source='files'.")
        records = read_prepared(info, data_dir, download)
    else:
        if download and info is not None and data_dir is not None:
            download_files(info, data_dir, options.get("subset"), progress)
        records = read_unchecked(name, data_dir, options)
    if info is not None:
        # Their files do not change, and those who publish want each class's share exact.
        records.split_rule = PERMUTATION
    warn_of_differences(records, info, options)
    return records


def correct(
    records: Records, corrections: str | Path, seed: int, split_rule: str | None
) -> Records:
    """The images with the labels that a table of corrections gives them.

    Args:
        records: The images.
        corrections: As in `load`.
        seed: As in `load`.
        split_rule: As in `load`.

    Returns:
        Records, after a `DatasetWarning` that says how many labels have been corrected.

    Raises:
        ValueError: As `read_corrections` and `corrected_records` do.
    """
    path = Path(corrections)
    found = read_corrections(path)
    corrected = corrected_records(records, found, seed, split_rule, path.name)
    new = corrected.notes[len(records.notes) :]
    warnings.warn(f"{str(records.root)!r}: {' '.join(new)}", DatasetWarning, stacklevel=3)
    return corrected


def _refuse_for_typefaces(**given: bool) -> None:
    if names := [name for name, is_given in given.items() if is_given]:
        raise ValueError(
            "The typefaces are rendered where they are used: there are no files to find, read or "
            f"keep. Received: {', '.join(names)}. Leave it out."
        )


def warn_of_differences(
    records: Records, info: DatasetInfo | None, options: dict[str, Any]
) -> None:
    """Warns where what was read is not what was released."""
    report = check(records, info, options)
    if report.problems:
        warnings.warn(
            f"{report.title} in {report.root!r} is not as it should be: "
            f"{' '.join(report.problems)}",
            DatasetWarning,
            stacklevel=4,
        )
    cut = None if records.splits is None else cut_observations(records, records.splits)
    told = [*records.notes, *([cut.warning] if cut and cut.warning else [])]
    if alike := told_of_alike_names(records.class_names):
        told.append(alike)
    if told:
        warnings.warn(
            f"{report.title} in {report.root!r}: {' '.join(told)}",
            DatasetWarning,
            stacklevel=4,
        )


def read_unchecked(
    name: str | Path, data_dir: str | Path | None, options: dict[str, Any]
) -> Records:
    """What the files of a data set say of its images.

    Args:
        name: As in `load`, but not the typefaces.
        data_dir: As in `load`.
        options: As in `load`.

    Returns:
        Records.

    Raises:
        ValueError: As `load` does.
    """
    info = DATASETS.get(str(name))
    if info is None:
        return _own(Path(name).expanduser(), data_dir, options)
    check_options(info, options)
    if data_dir is None:
        raise ValueError(
            f"Say where {info.title} lies, or is to be put: `data_dir` (on the command line "
            f"--data-dir). It comes from {info.page}."
        )
    root = locate(info, data_dir, options.get("subset"))
    try:
        return info.read(root, **options)
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(
            f"The files of {info.title} in {str(root)!r} are not as released: {error!r}."
        ) from error


def _own(path: Path, data_dir: str | Path | None, options: dict[str, Any]) -> Records:
    unknown = sorted(set(options) - set(OWN_OPTIONS))
    if unknown:
        raise ValueError(
            f"Data of one's own has the options {', '.join(OWN_OPTIONS)}. Received: {unknown}."
        )
    given = {name: value for name, value in options.items() if value is not None}
    min_images, how = given.pop("min_images", None), given.pop("observations", None)
    columns = Columns(**{name.removesuffix("_column"): value for name, value in given.items()})
    is_table = path.suffix.lower() in SUFFIXES and not path.is_dir()
    if not path.exists():
        names = [*DATASETS, TYPEFACES]
        near = difflib.get_close_matches(path.name.lower(), names, n=3)
        raise ValueError(
            f"There is no folder {str(path)!r}, and no data set {path.name!r}. "
            + (f"Did you mean {' or '.join(near)}? " if near else "")
            + f"A data set is one of {', '.join(names)}, a folder with a folder of images for "
            f"each class, or a table ({', '.join(SUFFIXES)})."
        )
    if columns.options() and not is_table:
        raise ValueError(
            f"{str(path)!r} is no table, so that it has no columns. Leave out "
            f"{', '.join(given)}, or name a file ({', '.join(SUFFIXES)})."
        )
    if is_table:
        root = None if data_dir is None else Path(data_dir).expanduser()
        records = read_labels_file(path, root, columns)
    elif path.is_dir():
        records = read_folder(path, of_observations=how == FOLDERS)
    else:
        raise ValueError(
            f"{str(path)!r} is neither a folder nor a table ({', '.join(SUFFIXES)}). Name one."
        )
    if how is not None:
        records = with_observations(records, how)
    if min_images is not None:
        records = records.with_min_images(positive_integer("min_images", min_images))
    if small := small_classes(records):
        shown = ", ".join(small[:5]) + (", ..." if len(small) > 5 else "")
        records.notes.append(
            f"{len(small)} classes of one or two images are for training alone, and no test image "
            f"shows them: {shown}. Leave them out with --min-images 3."
        )
    return records


def check_options(info: DatasetInfo, options: dict[str, Any]) -> None:
    """Refuses options that a released set does not have.

    Raises:
        ValueError: If there is one.
    """
    for option, value in options.items():
        choices = info.options.get(option)
        if choices is None:
            known = ", ".join(info.options) or "none"
            raise ValueError(f"{info.name} has no option {option!r}. Its options: {known}.")
        if value not in choices:
            raise ValueError(f"`{option}` must be one of {choices}. Received: {value!r}.")
