"""Extracts the features of all images that the map needs."""

from pathlib import Path

from applications.paper.regimes.known_features import known_features
from applications.paper.regimes.seeds import CONFIRMING, FINDING, SEARCH, pool_of
from applications.paper.regimes.sizes import POOL, SEARCH_POOL, TEST, VALIDATION


def extract(folder: Path) -> None:
    """Fills a folder; what it has is not extracted again."""
    for split, per_class, seed in (
        ("validation", VALIDATION, SEARCH[0]),
        ("test", TEST, 0),
        ("train", SEARCH_POOL, pool_of(SEARCH[0])),
        ("train", POOL, pool_of(FINDING[0])),
        ("train", POOL, pool_of(CONFIRMING[0])),
    ):
        known = known_features(folder, split, per_class, seed)
        print(f"{split}, seed {seed}: {len(known.labels):,} images", flush=True)
