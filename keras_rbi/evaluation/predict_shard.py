"""Predictions of one part of a folder of millions of files, to go on with where they ended."""

import hashlib
import heapq
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from keras_rbi.atomic_write import write_atomically
from keras_rbi.datasets.files.class_folders import labels_of_files
from keras_rbi.datasets.files.find_images import images_in
from keras_rbi.datasets.files.natural_order import natural_key
from keras_rbi.evaluation.predict_files import FilePrediction, classify_each
from keras_rbi.evaluation.shard_images import (
    FOLDER,
    IN_ALL,
    NAMES,
    are_of_one_folder,
    check_one_folder,
    images_of_shard,
)
from keras_rbi.evaluation.shards import Shard
from keras_rbi.evaluation.with_truth import with_truth
from keras_rbi.models.keras_classifier import relations_of

# A process that is killed loses the work on so many.
IMAGES_OF_A_PART = 1024
ABOUT = "shard.json"


@dataclass(frozen=True)
class ShardResult:
    """What has become of the images of a shard.

    Attributes:
        images: How many it has.
        found_done: How many of these were done before.
        unreadable: Why some cannot be read, a line for each.
    """

    images: int
    found_done: int
    unreadable: Sequence[str]


def predict_shard(
    model: keras.Model,
    folder: Path,
    shard: Shard,
    output: Path,
    class_names: Sequence[str] | None = None,
    top: int = 5,
    batch_size: int = 32,
    model_file: Path | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> ShardResult:
    """Predicts the images of one shard, and goes on where a process before was ended.

    Predictions lie in `output/shard-00003-of-00064/`, JSON lines of 1,024 images a file. Where
    images lie in a folder named after a class, that is their truth.

    Args:
        model: A classifier whose predictions do not depend on the batch.
        folder: The images, searched to the bottom.
        shard: Which of them.
        output: The folder of all shards.
        class_names: Names of the classes. Defaults to `None`, those that the model has.
        top: Integer, how many of the likeliest classes to keep. Defaults to `5`.
        batch_size: Integer, images in a batch. Defaults to `32`.
        model_file: The file of the model, lest a shard be gone on with by another. Defaults to
            `None`.
        progress: Called with a word, and the numbers of done and of all images.

    Returns:
        A `ShardResult`.

    Raises:
        ValueError: If the model relates the images of a batch, if there are no images, if the
            shard was begun with another model or another `top`, or if it or another shard in
            `output` is of another folder.
    """
    if relations_of(model) == "batch":
        raise ValueError(
            "This model relates the images of a batch, and a shard has other batches than the "
            "whole. Set model.relations = 'self' or 'references', and save it."
        )
    files = {path.relative_to(folder).as_posix(): path for path in images_in(folder)}
    mine = [name for name in files if shard.has(name)]
    own = output / f"shard-{shard}"
    _begin(own, {"model": _digest(model_file), "top": top}, folder, images_of_shard(folder, files))
    rows = list(_rows_of(own))
    done = {row["image"] for row in rows}
    left = [name for name in mine if name not in done]
    number = len(_parts_of(own))
    paths = [files[name] for name in left]
    names = class_names or getattr(model, "class_names", None) or []
    truths = [
        names[label] if label >= 0 else None for label in labels_of_files(paths, [folder], names)
    ]
    found = classify_each(model, paths, class_names, batch_size)
    predicted = map(_row, left, found, truths, itertools.repeat(top))
    finished = len(mine) - len(left)
    while part := list(itertools.islice(predicted, IMAGES_OF_A_PART)):
        text = "".join(json.dumps(row) + "\n" for row in part)
        _write(own / f"part-{number:06}.jsonl", text)
        rows += part
        number, finished = number + 1, finished + len(part)
        progress("", finished, len(mine))
    about = json.loads((own / ABOUT).read_text("utf-8"))
    judged = any("truth" in row for row in rows)
    ended = {"finished": True, "images": len(rows), "judged": judged}
    _write(own / ABOUT, json.dumps({**about, **ended}))
    errors = [row["error"] for row in rows if "error" in row]
    return ShardResult(len(rows), len(done), errors)


def merged_shards(folder: Path) -> Iterator[dict[str, Any]]:
    """The predictions of all shards in the order of one process, with a part of each in memory.

    Args:
        folder: What `predict_shard` has written to as `output`.

    Yields:
        `{"image": ..., "top": [{"class": ..., "probability": ...}]}`, and where a folder tells the
        class of any image, `truth` and `right`, which may be `None`; or `{"image": ..., "error":
        ...}` of an image that cannot be read.

    Raises:
        ValueError: If a shard is missing, is not finished, is of another model or folder, or if
            the folder changed between the shards. Nothing has been given then.
    """
    shards = sorted(folder.glob("shard-*-of-*"))
    if not shards:
        raise ValueError(f"There are no shards in {str(folder)!r}. Predict some with --shard.")
    count = int(shards[0].name.rpartition("-")[2])
    wanted = [folder / f"shard-{Shard(number, count)}" for number in range(1, count + 1)]
    if others := [path.name for path in shards if path not in wanted]:
        raise ValueError(
            f"{str(folder)!r} has shards of several numbers of shards, {wanted[0].name} and "
            f"{others[0]}. Take away those that are not to be merged."
        )
    abouts = {path: _about(path) for path in wanted}
    if lacking := [path for path, about in abouts.items() if not about.get("finished")]:
        names = ", ".join(f"{wanted.index(path) + 1}/{count}" for path in lacking[:5])
        raise ValueError(
            f"{len(lacking)} of {count} shards in {str(folder)!r} are not finished: {names}"
            f"{', ...' * (len(lacking) > 5)}. Run them again: they go on where they were ended."
        )
    if len({(about["model"], about["top"]) for about in abouts.values()}) > 1:
        raise ValueError(
            f"The shards in {str(folder)!r} are of several models, or of several --top. Predict "
            "them with one."
        )
    check_one_folder(
        {f"{number}/{count}": about for number, about in enumerate(abouts.values(), 1)}
    )
    judged = any(about.get("judged") for about in abouts.values())
    in_order = heapq.merge(*itertools.chain.from_iterable(map(_runs_of, wanted)), key=_place)
    if not judged:
        return in_order
    return (row if "error" in row else with_truth(row, row.get("truth")) for row in in_order)


def _begin(own: Path, about: dict[str, Any], folder: Path, images: dict[str, Any]) -> None:
    known = _about(own)
    if other := [name for name, value in about.items() if known and known.get(name) != value]:
        raise ValueError(
            f"The shard {str(own)!r} was begun with another {' and another '.join(other)}. Name "
            "another --output, or take the shard away."
        )
    _refuse_another_folder(own.parent, folder, images)
    own.mkdir(parents=True, exist_ok=True)
    if known.get(NAMES) == images[NAMES]:
        return
    # What is to be done now is not finished, whatever was. A machine that goes on may call the
    # folder otherwise: it keeps its first name.
    begun = {name: value for name, value in known.items() if name != "finished"}
    _write(own / ABOUT, json.dumps({**about, FOLDER: str(folder), **begun, **images}))


def _refuse_another_folder(output: Path, folder: Path, images: dict[str, Any]) -> None:
    for shard in sorted(output.glob("shard-*-of-*")):
        about = _about(shard)
        if not are_of_one_folder(about, images):
            raise ValueError(
                f"The shard {str(shard)!r} is of the folder {about[FOLDER]!r} with "
                f"{about[IN_ALL]:,} images, and {str(folder)!r} is another with "
                f"{images[IN_ALL]:,}. Name another --output, or take the shards away."
            )


def _about(own: Path) -> dict[str, Any]:
    if not (own / ABOUT).exists():
        return {}
    try:
        about: dict[str, Any] = json.loads((own / ABOUT).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{str(own / ABOUT)!r} is damaged: {error}. Take it away.") from error
    return about


def _parts_of(own: Path) -> list[Path]:
    return sorted(own.glob("part-*.jsonl"))


def _rows_of(own: Path) -> Iterator[dict[str, Any]]:
    for part in _parts_of(own):
        with part.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def _runs_of(own: Path) -> Iterator[Iterator[dict[str, Any]]]:
    """Rows in order, from as many parts in a row as come in it: those of a later start may not."""
    folder = Path(_about(own).get(FOLDER, ""))
    runs: list[list[Path]] = []
    last = None
    for part in _parts_of(own):
        lines = part.read_text("utf-8").splitlines()
        first, end = (_place(json.loads(line)) for line in (lines[0], lines[-1]))
        if last is None or first < last:
            runs.append([])
        runs[-1].append(part)
        last = end
    return (_named(run, folder) for run in runs)


def _place(row: dict[str, Any]) -> list[tuple[object, ...]]:
    """What to sort rows by, to have the images as a folder is searched."""
    return [natural_key(part) for part in Path(row["image"]).parts]


def _named(parts: Sequence[Path], folder: Path) -> Iterator[dict[str, Any]]:
    # Parts are read whole: shards may be more than the files that a process can have open.
    for part in parts:
        for line in part.read_text("utf-8").splitlines():
            row = json.loads(line)
            yield {**row, "image": str(folder / row["image"])}


def _row(name: str, found: FilePrediction, truth: str | None, top: int) -> dict[str, Any]:
    known = {} if truth is None else {"truth": truth}
    if found.error is not None:
        return {"image": name, "error": found.error, **known}
    best = [{"class": each, "probability": value} for each, value in found.top(top)]
    return {"image": name, "top": best, **known}


def _digest(file: Path | None) -> str | None:
    if file is None:
        return None
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _write(path: Path, text: str) -> None:
    write_atomically(path, lambda unfinished: unfinished.write_text(text, "utf-8"), durable=True)
