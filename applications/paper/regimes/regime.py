"""The rows of the map: regimes of data and training."""

from dataclasses import dataclass

from keras_rbi.datasets.batches.sampling import BALANCED, PK, SHUFFLED

FROZEN, SCRATCH, FINE_TUNED = "frozen", "scratch", "fine-tuned"
IMAGES_SEEN = 25_600


@dataclass(frozen=True)
class Regime:
    """What a head, or a network, is trained on, and how.

    Attributes:
        title: What a reader is told that differs from the first regime.
        per_class: Training images of the most frequent class.
        imbalance: Images of the most frequent class by those of the rarest.
        wrong: Share of the labels that are drawn at random.
        rate: Peak of the learning rate; `None` for the best on validation images.
        sampling: `"shuffled"`, `"balanced"` or `"pk"`.
        batch: Images in a batch.
        images_per_class: K of P x K.
        images_seen: Images that all batches have together.
        constant: Whether the rate stays as it is; else it falls along a cosine.
        trained: `"frozen"` for a head on known features, `"scratch"` for SmallCNN and its head,
            `"fine-tuned"` for all of EfficientNet-Lite0 and its head.
    """

    title: str
    per_class: int = 40
    imbalance: float = 1.0
    wrong: float = 0.0
    rate: float | None = None
    sampling: str = SHUFFLED
    batch: int = 32
    images_per_class: int | None = None
    images_seen: int = IMAGES_SEEN
    constant: bool = False
    trained: str = FROZEN

    @property
    def steps(self) -> int:
        return self.images_seen // self.batch


def _pk(classes: int, images: int, **given: object) -> Regime:
    title = f"batches of {classes} × {images}"
    return Regime(title, sampling=PK, batch=classes * images, images_per_class=images, **given)


TAIL = {"per_class": 200, "imbalance": 50.0}
REGIMES = {
    "40": Regime("40 images a class"),
    "5": Regime("5 images a class", 5),
    "10": Regime("10 images a class", 10),
    "20": Regime("20 images a class", 20),
    "80": Regime("80 images a class", 80),
    "300": Regime("300 images a class", 300),
    "wrong-20": Regime("20 % of labels wrong, 80 a class", 80, wrong=0.2),
    "wrong-40": Regime("40 % of labels wrong, 80 a class", 80, wrong=0.4),
    "rate-1e-3": Regime("learning rate 1e-3", rate=1e-3),
    "rate-1e-4": Regime("learning rate 1e-4", rate=1e-4),
    "rate-1e-5": Regime(
        "learning rate 1e-5, 50 epochs, 80 a class",
        80,
        rate=1e-5,
        images_seen=2_700 * 32,
        constant=True,
    ),
    "tail-10": Regime("imbalance 10", 200, 10.0),
    "tail-50": Regime("imbalance 50", 200, 50.0),
    "tail-100": Regime("imbalance 100", 200, 100.0),
    "tail-50-balanced": Regime("imbalance 50, balanced batches", 200, 50.0, sampling=BALANCED),
    "tail-50-pk-8x4": Regime(
        "imbalance 50, batches of 8 × 4", 200, 50.0, sampling=PK, images_per_class=4
    ),
    "10-pk-8x4": Regime("10 images a class, batches of 8 × 4", 10, sampling=PK, images_per_class=4),
    "shuffled-8": Regime("shuffled batches of 8", batch=8),
    "shuffled-128": Regime("shuffled batches of 128", batch=128),
    "pk-4x2": _pk(4, 2),
    "pk-8x4": _pk(8, 4),
    "pk-16x8": _pk(16, 8),
    "pk-16x16": _pk(16, 16),
    "scratch-40": Regime("SmallCNN from scratch, 40 images a class", trained=SCRATCH),
    "scratch-tail-50": Regime("SmallCNN from scratch, imbalance 50", **TAIL, trained=SCRATCH),
    "fine-tuned-40": Regime(
        "EfficientNet-Lite0 fine-tuned, 40 images a class, 8 epochs",
        images_seen=8 * 22 * 40,
        trained=FINE_TUNED,
    ),
}
