"""Our reading of photographs beside libraries that could take over a part of it.

    pip install grain opencv-python-headless "pyvips[binary]" simplejpeg torch torchvision
    python benchmarks/readers.py --json readers.json --page docs/datasets.md

What is not installed is left out, with a line. Each library stands in for one part of ours: a file
decoded and resized; an image flipped and rotated; an epoch of batches, decoded and augmented, on
two threads (of `torch.utils.data`, two processes). All take turns in one process. Times of single
images are of the processor and of one thread, which other programs on the machine change less;
those of batches are of the clock. The pixels are compared with ours, and files that are no plain
photographs are given to all that decode.
"""

import argparse
import importlib.metadata
import importlib.util
import io
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import data as reading
import measure
import numpy as np
from page import put_on_page
from PIL import Image

from keras_rbi.datasets.augmentation import LARGEST_ROTATION, flip_and_rotate
from keras_rbi.datasets.files.reading import DRAFT_MARGIN, read_image

SIZE = reading.IMAGE_SIZE
SIZES = ((500, 375), (1024, 768))
BILINEAR = Image.Resampling.BILINEAR
DECODE, AUGMENT, BATCHES = "decode and resize", "flip and rotate", "batches"
# Mean difference of pixels, above which an odd file was read as another picture.
ALIKE = 6.0
Decode = Callable[[Path], np.ndarray]
Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]


# --- A file decoded and resized


def pillow() -> Decode:
    return reading.decode_with_pillow


def simplejpeg() -> Decode:
    import simplejpeg

    # As ours does: at a smaller scale as long as that leaves enough.
    least = math.ceil(DRAFT_MARGIN * SIZE)

    def decode(path: Path) -> np.ndarray:
        content = path.read_bytes()
        return _resized(simplejpeg.decode_jpeg(content, "RGB", min_height=least, min_width=least))

    return decode


def pyvips() -> Decode:
    import pyvips

    def decode(path: Path) -> np.ndarray:
        picture = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated")
        return _resized(picture.autorot().colourspace("srgb").numpy())

    return decode


def pyvips_thumbnail() -> Decode:
    import pyvips

    def decode(path: Path) -> np.ndarray:
        picture = pyvips.Image.thumbnail(
            str(path), SIZE, height=SIZE, size="force", fail_on="truncated"
        )
        return picture.numpy()

    return decode


def opencv() -> Decode:
    import cv2

    cv2.setNumThreads(1)

    def decode(path: Path) -> np.ndarray:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise ValueError("no image")
        return cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)[..., ::-1]

    return decode


def torchvision() -> Decode:
    import torch
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    resize = v2.Resize((SIZE, SIZE), antialias=True)

    def decode(path: Path) -> np.ndarray:
        with Image.open(path) as picture:
            pixels = np.array(picture.convert("RGB"))
        return resize(torch.from_numpy(pixels).permute(2, 0, 1)).permute(1, 2, 0).numpy()

    return decode


def _resized(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((SIZE, SIZE), BILINEAR))


# --- An image flipped and rotated


def v2_on_pictures() -> Augment:
    from torchvision.transforms import v2

    change = _v2_flip_and_rotate(v2)
    return lambda image, _: np.asarray(change(Image.fromarray(image)))


def v2_on_tensors() -> Augment:
    import torch
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    change = _v2_flip_and_rotate(v2)

    def augment(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        channels_first = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        return change(channels_first).permute(1, 2, 0).contiguous().numpy()

    return augment


def _v2_flip_and_rotate(v2: Any) -> Any:
    return v2.Compose(
        [
            v2.RandomHorizontalFlip(),
            v2.RandomRotation(LARGEST_ROTATION, v2.InterpolationMode.BILINEAR, fill=127),
        ]
    )


def opencv_rotation() -> Augment:
    import cv2

    cv2.setNumThreads(1)

    def augment(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if rng.random() < 0.5:
            image = cv2.flip(image, 1)
        angle = rng.uniform(-LARGEST_ROTATION, LARGEST_ROTATION)
        height, width = image.shape[:2]
        # Where Pillow has the middle: between the pixels of an even number.
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
        return cv2.warpAffine(
            image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=cv2.mean(image)
        )

    return augment


# --- An epoch of batches


def ours_in_batches(paths: list[Path]) -> Iterable[Any]:
    sequence = reading.sequence_of(paths, "paper")
    return (sequence[index] for index in range(len(sequence)))


def grain(paths: list[Path]) -> Iterable[Any]:
    import grain

    batches = (
        grain.MapDataset.source(_Files(paths))
        .seed(0)
        .shuffle()
        .random_map(lambda pair, rng: (flip_and_rotate(pair[0], rng), pair[1]))
        .batch(reading.BATCH_SIZE)
    )
    options = grain.ReadOptions(num_threads=reading.THREADS, prefetch_buffer_size=reading.THREADS)
    return batches.to_iter_dataset(options)


def torch_loader(paths: list[Path]) -> Iterable[Any]:
    from torch.utils.data import DataLoader

    files = _Files(paths, augmented=True)
    return DataLoader(files, reading.BATCH_SIZE, shuffle=True, num_workers=reading.THREADS)


class _Files:
    def __init__(self, paths: list[Path], augmented: bool = False) -> None:
        self._paths, self._augmented = paths, augmented

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        image = read_image(self._paths[index], SIZE)
        if self._augmented:
            # Writable, as PyTorch wants it.
            image = np.array(flip_and_rotate(image, np.random.default_rng(index)))
        return image, index % 2


# --- Who can take whose place, and the modules that it needs

DECODERS: dict[str, tuple[tuple[str, ...], Callable[[], Decode]]] = {
    "Pillow, whole": ((), pillow),
    "simplejpeg, resized by Pillow": (("simplejpeg",), simplejpeg),
    "pyvips, resized by Pillow": (("pyvips",), pyvips),
    "pyvips, `thumbnail`": (("pyvips",), pyvips_thumbnail),
    "OpenCV": (("cv2",), opencv),
    "Pillow, resized by `transforms.v2`": (("torch", "torchvision"), torchvision),
}
AUGMENTERS: dict[str, tuple[tuple[str, ...], Callable[[], Augment]]] = {
    "`transforms.v2`, pictures": (("torch", "torchvision"), v2_on_pictures),
    "`transforms.v2`, tensors": (("torch", "torchvision"), v2_on_tensors),
    "OpenCV, `warpAffine`": (("cv2",), opencv_rotation),
}
LOADERS: dict[str, tuple[tuple[str, ...], Callable[[list[Path]], Iterable[Any]]]] = {
    "grain": (("grain",), grain),
    "PyTorch's `DataLoader`": (("torch",), torch_loader),
}


def installed(peers: Mapping[str, tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    """Those whose modules are here; a line for each that is left out."""
    found = {}
    for name, (modules, make) in peers.items():
        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        if missing:
            print(f"{name}: left out, {' and '.join(missing)} not installed.", file=sys.stderr)
        else:
            found[name] = make
    return found


# --- Measurements


def times_of(
    calls: Mapping[str, Callable[[], Any]], repeats: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Seconds of each call by this clock, in turns, after one to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repeats + 1):
        for name, call in calls.items():
            begin = clock()
            call()
            if turn:
                seconds[name].append(clock() - begin)
    return seconds


def speed(seconds: Mapping[str, list[float]], name: str) -> float:
    """How many times as fast as ours: the median over turns."""
    pairs = zip(seconds[measure.OURS], seconds[name], strict=True)
    return statistics.median(ours / theirs for ours, theirs in pairs)


def rows_of_decoders(paths: list[Path], repeats: int) -> dict[str, dict[str, Any]]:
    """Speed of each decoder, and its pixels against ours where both decode the whole file."""
    decoders = {name: make() for name, make in installed(DECODERS).items()}
    calls = {measure.OURS: lambda path: read_image(path, SIZE), **decoders}
    seconds = times_of(
        {name: lambda call=call: [call(path) for path in paths] for name, call in calls.items()},
        repeats,
        time.process_time,
    )
    ours = [read_image(path, SIZE) for path in paths]
    return {
        name: {"speed": speed(seconds, name), **_difference(ours, map(decode, paths))}
        for name, decode in decoders.items()
    }


def rows_of_augmenters(paths: list[Path], repeats: int) -> dict[str, dict[str, Any]]:
    """Speed of flip and rotation, and the pixels where the draws are the same."""
    images = [read_image(path, SIZE) for path in paths]
    augmenters = {name: make() for name, make in installed(AUGMENTERS).items()}

    def each(augment: Augment) -> list[np.ndarray]:
        return [augment(image, np.random.default_rng(n)) for n, image in enumerate(images)]

    calls = {measure.OURS: flip_and_rotate, **augmenters}
    seconds = times_of(
        {name: lambda call=call: each(call) for name, call in calls.items()},
        repeats,
        time.process_time,
    )
    rows: dict[str, dict[str, Any]] = {name: {"speed": speed(seconds, name)} for name in augmenters}
    for name, (modules, _) in AUGMENTERS.items():
        if name in rows and "torchvision" not in modules:
            rows[name] |= _difference(each(flip_and_rotate), each(augmenters[name]))
    return rows


def rows_of_loaders(paths: list[Path], repeats: int) -> dict[str, dict[str, Any]]:
    """Speed of whole epochs."""
    loaders = installed(LOADERS)

    def epoch(make: Callable[[list[Path]], Iterable[Any]]) -> None:
        for _ in make(paths):
            pass

    calls = {measure.OURS: ours_in_batches, **loaders}
    seconds = times_of(
        {name: lambda call=call: epoch(call) for name, call in calls.items()},
        repeats,
        time.perf_counter,
    )
    return {name: {"speed": speed(seconds, name)} for name in loaders}


def _difference(ours: Sequence[np.ndarray], theirs: Iterable[np.ndarray]) -> dict[str, float]:
    pairs = list(zip(ours, theirs, strict=True))
    apart = np.concatenate([(a.astype(int) - b).ravel() for a, b in pairs])
    return {"differing": float((apart != 0).mean()), "largest": int(np.abs(apart).max())}


# --- Files that are no plain photographs


def odd_files(folder: Path) -> dict[str, Path]:
    """Files that people have, each with a picture of its own kind."""
    rows, columns = np.mgrid[0:300, 0:400]
    waves = [127 + 100 * np.sin(columns / 50 + k) * np.cos(rows / (40 + 9 * k)) for k in range(3)]
    picture = Image.fromarray(np.stack(waves, -1).astype(np.uint8))
    turned = Image.Exif()
    turned[0x0112] = 6
    deep = (np.asarray(picture.convert("L")).astype(np.uint16) << 8) + 128
    whole = _saved(picture, "JPEG")
    files = {
        "cut off": whole[: len(whole) // 2],
        "a text": b"no picture at all",
        "turned by EXIF": _saved(picture, "JPEG", exif=turned),
        "CMYK": _saved(picture.convert("CMYK"), "JPEG"),
        "grey": _saved(picture.convert("L"), "JPEG"),
        "progressive": _saved(picture, "JPEG", progressive=True),
        "PNG of 16 bits": _saved(Image.fromarray(deep), "PNG"),
        "PNG with transparency": _saved(picture.convert("RGBA"), "PNG"),
        "GIF": _saved(picture, "GIF"),
    }
    paths = {}
    for number, (name, content) in enumerate(files.items()):
        paths[name] = folder / f"{number}.jpg"
        paths[name].write_bytes(content)
    return paths


def _saved(picture: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def otherwise(decode: Decode, files: Mapping[str, Path]) -> dict[str, str]:
    """The odd files that a decoder takes otherwise than ours, and how."""
    found = {}
    for name, path in files.items():
        ours, theirs = (_read(call, path) for call in (lambda p: read_image(p, SIZE), decode))
        if theirs is None:
            found |= {} if ours is None else {name: "refused"}
        elif ours is None:
            found[name] = "taken for whole"
        elif theirs.shape != ours.shape:
            found[name] = f"of shape {theirs.shape}"
        elif np.abs(ours.astype(int) - theirs).mean() > ALIKE:
            found[name] = "another picture"
    return found


def _read(decode: Decode, path: Path) -> np.ndarray | None:
    try:
        return decode(path)
    # Whatever a library raises is its way of refusing.
    except Exception:
        return None


# --- The table


def table(figures: Mapping[str, Any], odd: Mapping[str, Mapping[str, str]]) -> str:
    """What was measured as a table of Markdown."""
    sizes = list(figures)
    lines = [
        f"| library | in place of our | {' | '.join(f'{size}' for size in sizes)} "
        "| pixels that differ, and by how much | otherwise than ours |",
        "|---" * (len(sizes) + 4) + "|",
    ]
    for part in (DECODE, AUGMENT, BATCHES):
        for name in figures[sizes[0]][part]:
            rows = [figures[size][part][name] for size in sizes]
            speeds = " | ".join(f"{row['speed']:.2f}" for row in rows)
            lines.append(
                f"| {name} | {part} | {speeds} | {_pixels(rows[0])} "
                f"| {'; '.join(f'{f}: {how}' for f, how in odd.get(name, {}).items())} |"
            )
    return "\n".join(lines)


def _pixels(row: Mapping[str, Any]) -> str:
    if "differing" not in row:
        return ""
    if not row["largest"]:
        return "none"
    return f"{100 * row['differing']:.2g} %, up to {row['largest']}"


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    # Before libvips starts its threads.
    os.environ.setdefault("VIPS_CONCURRENCY", "1")
    console = measure.console_for_tables()
    load = measure.warn_if_busy(console)
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for width, height in SIZES:
            within = Path(folder, f"{width}x{height}")
            within.mkdir()
            paths = reading.make_files(within, options.files, ((width, height),))
            figures[f"{width} × {height}"] = {
                DECODE: rows_of_decoders(paths[: options.images], options.repeats),
                AUGMENT: rows_of_augmenters(paths[: options.images], options.repeats),
                BATCHES: rows_of_loaders(paths, options.repeats),
            }
        odd = Path(folder, "odd")
        odd.mkdir()
        files = odd_files(odd)
        unlike = {name: otherwise(make(), files) for name, make in installed(DECODERS).items()}
    text = table(figures, unlike)
    print(text)
    if options.page:
        put_on_page(options.page, text, "readers")
    if options.json:
        content = {
            "program": "readers",
            "machine": measure.machine(),
            "versions": {**measure.versions(), **_versions()},
            "load_before": round(load, 1),
            "figures": figures,
            "otherwise": unlike,
        }
        options.json.write_text(json.dumps(content, indent=2) + "\n")


def _versions() -> dict[str, str]:
    found = {}
    packages = ("pillow", "simplejpeg", "pyvips", "pyvips-binary", "opencv-python-headless")
    for name in (*packages, "torch", "torchvision", "grain"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--files", type=int, default=256, help="files of an epoch of batches (default: 256)")
    add("--images", type=int, default=8, help="of these, for single images (default: 8)")
    add("--repeats", type=int, default=15, help="turns (default: 15)")
    add("--page", type=Path, metavar="FILE", help="page whose table `readers` to replace")
    add("--json", type=Path, metavar="FILE", help="write every figure to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
