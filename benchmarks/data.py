"""Batches of photographs from files, against decoding and resizing the same files with Pillow.

Makes JPEG files of several sizes in a temporary folder (or takes those of --folder), and reads them
in turns: `ImageSequence` with two threads, without cache, without augmentation and with --augment;
with --augment from the second epoch on, when a cache in memory has the images; and Pillow alone
on two threads, which augments nothing. Then reads --images images for the memory, and batches for
a model that takes as long as its batches do.
"""

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import measure
import numpy as np
from PIL import Image
from rich.console import Console

from keras_rbi.datasets import ImageFiles, ImageSequence, from_lists
from keras_rbi.datasets.augmentation import AUGMENTATIONS
from keras_rbi.evaluation.cost import interleaved_times, resident_bytes

IMAGE_SIZE = 224
THREADS = 2
BATCH_SIZE = 32
# Width and height; the first is the usual one of CUB-200-2011 and of ImageNet.
SIZES = ((500, 375), (640, 480), (1024, 768), (2048, 1536))
# Batches in an epoch, at least: the end of a short one leaves a thread idle.
EPOCH_BATCHES = 16
PLAIN = "without augmentation"
CACHED = "from the second epoch on"
TARGET_RATE, TARGET_GROWTH_MIB, TARGET_WAIT = 0.9, 64.0, 0.05
# Of an epoch's images, after which memory should not grow any more.
WARM_UP = 2000


def make_files(folder: Path, count: int, sizes: tuple[tuple[int, int], ...]) -> list[Path]:
    """JPEG files with the large shapes and the fine grain of photographs, in each size as many."""
    paths = []
    for number in range(count):
        rng = np.random.default_rng(number)
        size = sizes[number % len(sizes)]
        shapes = rng.integers(0, 256, (9, 12, 3)).astype(np.uint8)
        picture = Image.fromarray(shapes).resize(size, Image.Resampling.BICUBIC)
        grain = rng.normal(0.0, 6.0, (size[1], size[0], 1))
        pixels = np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)
        paths.append(folder / f"{number:05d}.jpg")
        Image.fromarray(pixels).save(paths[-1], quality=90)
    return paths


def with_pillow(paths: list[Path]) -> None:
    """Decodes and resizes every file, on two threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(decode_with_pillow, paths):
            pass


def decode_with_pillow(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        resized = image.convert("RGB").resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR)
        return np.asarray(resized)


def sequence_of(paths: list[Path], augment: str | None, cache: str | None = None) -> ImageSequence:
    """Batches of the files, decoded anew in each epoch unless there is a cache."""
    labels = [number % 2 for number in range(len(paths))]
    records = from_lists(paths, labels, ["test"] * len(paths))
    data = ImageFiles(records, "test", IMAGE_SIZE, cache=cache)
    return ImageSequence(data, BATCH_SIZE, augment=augment, workers=THREADS)


def read_epoch(sequence: ImageSequence) -> None:
    """Reads every batch of an epoch, and goes on to the next."""
    for index in range(len(sequence)):
        sequence[index]
    sequence.on_epoch_end()


def rates(paths: list[Path], augment: str | None, repeats: int, batches: int) -> dict[str, Any]:
    """Images a second of all four, in turns, and our ratios to Pillow turn by turn.

    Those of processor time too, which other programs on the machine change less.
    """
    epoch = paths * math.ceil(batches * BATCH_SIZE / len(paths))
    plain, augmented = sequence_of(epoch, None), sequence_of(epoch, augment)
    # The first call, which warms up, decodes.
    cached = sequence_of(epoch, augment, "ram")
    calls = {
        PLAIN: lambda: read_epoch(plain),
        measure.OURS: lambda: read_epoch(augmented),
        CACHED: lambda: read_epoch(cached),
        "pillow": lambda: with_pillow(epoch),
    }
    for call in calls.values():
        call()
    processor: dict[str, list[float]] = {name: [] for name in calls}
    times = interleaved_times(
        {name: _timed(call, processor[name]) for name, call in calls.items()}, repeats
    )
    ratios = _ratios_to_pillow(times)
    return {
        "images": len(paths),
        "epoch": len(epoch),
        "augment": augment,
        "images_a_second": {
            name: len(epoch) / statistics.median(seconds) for name, seconds in times.items()
        },
        "ratio": statistics.median(ratios[measure.OURS]),
        "plain_ratio": statistics.median(ratios[PLAIN]),
        "cached_ratio": statistics.median(ratios[CACHED]),
        "ratios": ratios,
        "processor_ratios": _ratios_to_pillow(processor),
        "seconds": times,
        "processor_seconds": processor,
    }


def _timed(call: measure.Call, seconds: list[float]) -> measure.Call:
    def timed() -> None:
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)

    return timed


def _ratios_to_pillow(seconds: dict[str, list[float]]) -> dict[str, list[float]]:
    return {
        name: [pillow / ours for ours, pillow in zip(seconds[name], seconds["pillow"], strict=True)]
        for name in (PLAIN, measure.OURS, CACHED)
    }


def memory(paths: list[Path], images: int) -> dict[str, float]:
    """Resident memory after the first images and after all of them, in MiB."""
    sequence = sequence_of(paths, "paper")
    seen = 0
    warm = highest = 0.0
    while seen < images:
        for index in range(len(sequence)):
            seen += len(sequence[index][0])
            now = resident_bytes("VmRSS") / measure.MIB
            highest = max(highest, now)
            if seen <= min(WARM_UP, images // 2):
                warm = highest
        sequence.on_epoch_end()
    return {"images": seen, "warm_mib": warm, "highest_mib": highest, "growth_mib": highest - warm}


def waiting(paths: list[Path], rate: float) -> dict[str, float]:
    """The share of a model's time that it waits for batches, if it takes longer than they do.

    Args:
        paths: The files.
        rate: Images a second that the sequence gives.
    """
    sequence = sequence_of(paths, "paper")
    step = 1.25 * BATCH_SIZE / rate
    waits = []
    for index in range(len(sequence)):
        start = time.perf_counter()
        sequence[index]
        waits.append(time.perf_counter() - start)
        # Waits without taking a core, as for an accelerator.
        time.sleep(step)
    # The first batch of an epoch cannot be ready.
    del waits[0]
    share = sum(waits) / (sum(waits) + step * len(waits))
    return {"step_seconds": step, "median_wait_seconds": statistics.median(waits), "share": share}


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    console = measure.console_for_tables()
    load = measure.warn_if_busy(Console(stderr=True))
    with tempfile.TemporaryDirectory() as folder:
        if options.folder is None:
            of_size = {
                f"{width}x{height}": make_files(
                    _made(Path(folder) / f"{width}x{height}"), options.files, ((width, height),)
                )
                for width, height in SIZES
            }
        else:
            of_size = {"folder": sorted(options.folder.rglob("*.jp*g"))[: options.files]}
        figures = {}
        everything = [path for paths in of_size.values() for path in paths]
        for key, paths in {**of_size, "all": everything}.items():
            figures[key] = rates(paths, options.augment, options.repeats, options.batches)
            row = figures[key]
            each = ", ".join(f"{n} {r:.0f}" for n, r in row["images_a_second"].items())
            ours, plain, cached = (
                f"{statistics.median(row['ratios'][name]):.2f} (of processor time "
                f"{statistics.median(row['processor_ratios'][name]):.2f})"
                for name in (measure.OURS, PLAIN, CACHED)
            )
            console.print(
                f"{key}: {each} images a second; {ours} of Pillow's rate, {plain} {PLAIN}, "
                f"{cached} {CACHED}",
                soft_wrap=True,
            )
        rate = figures["all"]["images_a_second"][measure.OURS]
        waits = waiting(everything, rate)
        used = None if options.no_memory else memory(everything, options.images)
    targets = [
        *(
            measure.target(
                f"images a second {how}, in times Pillow's",
                figures["all"][ratio],
                TARGET_RATE,
                False,
                "",
            )
            for how, ratio in (
                (PLAIN, "plain_ratio"),
                ("with it", "ratio"),
                (CACHED, "cached_ratio"),
            )
        ),
        measure.target(
            f"memory that grows over {options.images:,} images",
            None if used is None else used["growth_mib"],
            TARGET_GROWTH_MIB,
            True,
            "MiB",
        ),
        measure.target(
            "share of a model's time spent waiting", waits["share"], TARGET_WAIT, True, ""
        ),
    ]
    for one in targets:
        console.print(measure.verdict(one))
    if options.json:
        content = {
            "program": "data",
            "machine": measure.machine(),
            "versions": measure.versions(),
            "load_before": round(load, 1),
            "figures": figures,
            "memory": used,
            "waiting": waits,
            "targets": targets,
        }
        options.json.write_text(json.dumps(content, indent=2) + "\n")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--files", type=int, default=128, help="files of each size, 9 at least (default: 128)")
    add("--folder", type=Path, help="JPEG files to read instead of made ones")
    add("--images", type=int, default=20000, help="images read for the memory (default: 20000)")
    add("--augment", choices=[*AUGMENTATIONS], default="paper", help="(default: paper)")
    add("--repeats", type=int, default=5, help="turns (default: 5)")
    add(
        "--batches",
        type=int,
        default=EPOCH_BATCHES,
        help=f"batches of an epoch, at least (default: {EPOCH_BATCHES})",
    )
    add("--no-memory", action="store_true", help="rates and waiting only")
    add("--json", type=Path, metavar="FILE", help="write every figure to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
