"""Typefaces: a fine-grained data set that is rendered where it is used, with nothing to download.

Real letters in real typefaces, each typeface a class: to tell DejaVu Sans Oblique from Sans
Mono Oblique in a small noisy rotated crop takes the same kind of detail as telling birds apart.
"""

from __future__ import annotations

import string
import threading
import zlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont

from keras_rbi._lazy import np, resolve
from keras_rbi.datasets.files.image_cache import AUTO_LIMIT, ImageCache, NoCache, RamCache
from keras_rbi.datasets.image_data import ImageData

if TYPE_CHECKING:
    from keras_rbi.datasets.batches.image_sequence import ImageSequence

# The typefaces that Matplotlib ships and that have all the letters, by family.
MATPLOTLIB_TYPEFACES: dict[str, tuple[str, tuple[str, ...]]] = {
    "DejaVu Sans": ("DejaVuSans", ("", "-Bold", "-Oblique", "-BoldOblique")),
    "DejaVu Sans Mono": ("DejaVuSansMono", ("", "-Bold", "-Oblique", "-BoldOblique")),
    "DejaVu Serif": ("DejaVuSerif", ("", "-Bold", "-Italic", "-BoldItalic")),
    "STIX General": ("STIXGeneral", ("", "Bol", "Italic", "BolIta")),
    "Computer Modern": ("cm", ("b10", "mi10", "r10", "ss10", "ti10", "tt10")),
}
SPLITS = ("train", "validation", "test")
# Of 10 texts, 8 are for training.
SPLIT_OF_TENTH = (0,) * 8 + (1, 2)
LETTERS = string.ascii_letters
REFERENCE_SIZE = 64


class Typefaces(ImageData):
    """Crops of text, labelled by their typeface.

    Every image shows lines of letters that fill it, at an image size of 64: type of 16 to 30
    pixels, rotated by up to 12 degrees, at a random place, ink of 0..90 on paper of 150..255, with
    Gaussian noise of 2 to 25 grey levels. Other image sizes scale the type. An image depends
    on its split, its number and the seed alone. The texts of the three splits are disjoint.

    Args:
        split: `"train"`, `"validation"` or `"test"`. Defaults to `"train"`.
        per_class: Integer, images of each typeface. 40, 80 and 300 are very different problems.
            Defaults to `300`.
        image_size: Integer, side of the images in pixels. Defaults to `64`.
        seed: Integer. Defaults to `0`.
        text: `"letters"`, random strings of mixed case, or `"words"`, English words. Defaults to
            `"letters"`.
        fonts: A folder of `.ttf` and `.otf` files, each of which is a class, or `None` for the 22
            typefaces that Matplotlib ships. Defaults to `None`.

    Attributes:
        families: Names of the families, the coarse labels: `coarse_labels` index them.

    Raises:
        ValueError: If an argument is out of its range, if the folder has fewer than two
            typefaces, or if one of them lacks letters.

    Example:

    >>> data = keras_rbi.datasets.Typefaces("test", per_class=1)
    >>> len(data), len(data.class_names), len(data.families)
    (22, 22, 5)
    >>> data.image(0).shape
    (64, 64, 3)
    """

    def __init__(
        self,
        split: str = "train",
        per_class: int = 300,
        image_size: int = REFERENCE_SIZE,
        seed: int = 0,
        text: str = "letters",
        fonts: str | Path | None = None,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"`split` must be one of {SPLITS}. Received: split={split!r}.")
        if text not in ("letters", "words"):
            raise ValueError(f"`text` must be 'letters' or 'words'. Received: text={text!r}.")
        for name, value, least in (("per_class", per_class, 1), ("image_size", image_size, 16)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(
                    f"`{name}` must be an integer of at least {least}. Received: {name}={value!r}."
                )
        typefaces = _matplotlib_typefaces() if fonts is None else _typefaces_of_folder(fonts)
        self.split = split
        self.seed = seed
        self.text = text
        self.image_size = image_size
        self.class_names: list[str] = [name for name, _, _ in typefaces]
        self.families: list[str] = list(dict.fromkeys(family for _, family, _ in typefaces))
        self.coarse_names: list[str] | None = self.families
        family_of_class = np.array([self.families.index(family) for _, family, _ in typefaces])
        self.labels: np.ndarray = np.tile(np.arange(len(typefaces)), per_class)
        self.coarse_labels: np.ndarray | None = family_of_class[self.labels]
        self._paths = [path for _, _, path in typefaces]
        shape, count = (image_size, image_size), len(self.labels)
        fits = count * image_size**2 <= AUTO_LIMIT
        self._remembered: ImageCache = RamCache(shape, count) if fits else NoCache()

    def image(self, index: int) -> np.ndarray:
        """Image number `index`: uint8 of shape `(image_size, image_size, 3)`, RGB."""
        grey = self._remembered.get(index)
        if grey is None:
            grey = self._render(index)
            self._remembered.put(index, grey)
        return np.repeat(grey[..., None], 3, axis=-1)

    def texts(self, index: int) -> list[str]:
        """The texts that image number `index` is made from, a line each."""
        return self._describe(index)[1]

    def _describe(self, index: int) -> tuple[dict[str, Any], list[str], np.random.Generator]:
        """Settings and lines of an image, and the generator that goes on to make its noise."""
        rng = np.random.default_rng([self.seed, SPLITS.index(self.split), index])
        settings: dict[str, Any] = {
            "type_size": round(rng.uniform(16, 30) * self.image_size / REFERENCE_SIZE),
            "angle": rng.uniform(-12, 12),
            "start": rng.uniform(-1, 0, size=2),
            "paper": rng.uniform(150, 255),
            "ink": rng.uniform(0, 90),
            "noise": rng.uniform(2, 25),
        }
        typeface = _typeface(self._paths[self.labels[index]], settings["type_size"])
        canvas = _canvas_side(self.image_size)
        lines = [
            self._line(typeface, canvas + settings["type_size"], rng)
            for _ in range(int(canvas / _line_height(settings["type_size"])) + 2)
        ]
        return settings, lines, rng

    def _line(self, typeface: Any, length: float, rng: np.random.Generator) -> str:
        line = ""
        while typeface.getlength(line) < length:
            line += self._letters(rng) if self.text == "letters" else self._word(rng) + " "
        return line

    def _letters(self, rng: np.random.Generator) -> str:
        while True:
            letters = "".join(LETTERS[number] for number in rng.integers(len(LETTERS), size=8))
            if split_of_text(letters) == self.split:
                return letters

    def _word(self, rng: np.random.Generator) -> str:
        words = _words_of_split(self.split)
        return words[rng.integers(len(words))]

    def _render(self, index: int) -> np.ndarray:
        settings, lines, rng = self._describe(index)
        size, type_size = self.image_size, settings["type_size"]
        side = _canvas_side(size)
        canvas = Image.new("L", (side, side))
        draw = ImageDraw.Draw(canvas)
        typeface = _typeface(self._paths[self.labels[index]], type_size)
        left, top = settings["start"] * (type_size, _line_height(type_size))
        for number, line in enumerate(lines):
            place = (left, top + number * _line_height(type_size))
            draw.text(place, line, font=typeface, fill=255)
        turned = canvas.rotate(settings["angle"], resample=Image.Resampling.BICUBIC)
        edge = (side - size) // 2
        coverage = np.asarray(turned, np.float32)[edge : edge + size, edge : edge + size] / 255.0
        grey = settings["paper"] + (settings["ink"] - settings["paper"]) * coverage
        grey = grey + rng.normal(0.0, settings["noise"], size=grey.shape)
        return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


def load(
    split: str = "train",
    per_class: int = 300,
    image_size: int = REFERENCE_SIZE,
    batch_size: int = 32,
    seed: int = 0,
    text: str = "letters",
    fonts: str | Path | None = None,
    workers: int = 2,
) -> ImageSequence:
    """Batches of the typefaces for `fit`, `evaluate` and `predict`.

    Args:
        split: `"train"`, reshuffled in every epoch; `"validation"` or `"test"`, in one shuffled
            order. Defaults to `"train"`.
        per_class: Integer, images of each typeface. Defaults to `300`.
        image_size: Integer, side of the images in pixels. Defaults to `64`.
        batch_size: Integer, images in a batch. Defaults to `32`.
        seed: Integer, of the images and of their order. Defaults to `0`.
        text: `"letters"` or `"words"`. Defaults to `"letters"`.
        fonts: A folder of `.ttf` and `.otf` files, or `None` for Matplotlib's. Defaults to
            `None`.
        workers: Integer, threads that render. Defaults to `2`.

    Returns:
        An `ImageSequence` of batches `(images, labels)`: uint8 `(batch, image_size, image_size,
        3)` and int64 `(batch,)`.

    Raises:
        ValueError: As `Typefaces` and `ImageSequence` do.

    Example:

    >>> train = keras_rbi.datasets.typefaces.load("train", per_class=2, batch_size=8)
    >>> len(train), len(train.class_names)
    (6, 22)
    """
    data = Typefaces(split, per_class, image_size, seed, text, fonts)
    shuffle = True if split == "train" else "once"
    batches = resolve("keras_rbi.datasets.batches.image_sequence:ImageSequence")
    return batches(data, batch_size, shuffle=shuffle, seed=seed, workers=workers)


def split_of_text(text: str) -> str:
    """The split that a text belongs to, whoever asks: its checksum decides."""
    return SPLITS[SPLIT_OF_TENTH[zlib.crc32(text.encode()) % 10]]


@cache
def _words_of_split(split: str) -> list[str]:
    words = files("keras_rbi.datasets").joinpath("words.txt").read_text("utf-8").split()
    return [word for word in words if split_of_text(word) == split]


def _canvas_side(image_size: int) -> int:
    # A square turned by 12 degrees needs 1.19 times its side.
    return int(np.ceil(1.25 * image_size))


def _line_height(type_size: int) -> float:
    return 1.2 * type_size


# FreeType's faces are not to be used by two threads at once.
_faces = threading.local()


def _typeface(path: Path, size: int) -> ImageFont.FreeTypeFont:
    known = _faces.__dict__.setdefault("known", {})
    if (path, size) not in known:
        known[path, size] = ImageFont.truetype(
            str(path), size, layout_engine=ImageFont.Layout.BASIC
        )
    return known[path, size]


def _matplotlib_typefaces() -> list[tuple[str, str, Path]]:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return [
        (stem + style, family, folder / f"{stem}{style}.ttf")
        for family, (stem, styles) in MATPLOTLIB_TYPEFACES.items()
        for style in styles
    ]


def _typefaces_of_folder(folder: str | Path) -> list[tuple[str, str, Path]]:
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"There is no folder of typefaces {str(folder)!r}.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".ttf", ".otf"))
    if len(paths) < 2:
        raise ValueError(
            f"A data set needs at least two typefaces. Received: {len(paths)} .ttf or .otf files "
            f"in {str(folder)!r}."
        )
    names = [
        path.stem if [p.stem for p in paths].count(path.stem) == 1 else path.name for path in paths
    ]
    return [(name, _family(path), path) for name, path in zip(names, paths, strict=True)]


def _family(path: Path) -> str:
    try:
        face = FT2Font(str(path))
        characters = face.get_charmap()
    except (RuntimeError, OSError) as error:
        raise ValueError(f"{str(path)!r} cannot be read as a typeface: {error}.") from error
    missing = "".join(letter for letter in LETTERS if ord(letter) not in characters)
    if missing:
        raise ValueError(
            f"The typeface {str(path)!r} lacks the letters {missing!r}. Take it out of the folder."
        )
    return str(face.family_name)
