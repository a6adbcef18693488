"""Options that the programs share, and the settings of their runs."""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from applications.paper.experiment import Run, finished
from applications.paper.peers import ALL, DEFAULT
from keras_rbi.models.methods import METHODS
from keras_rbi.training import TrainingSettings

RESULTS = Path(__file__).parent / "results"
FROZEN = ":frozen"
# What the peers are with a fine-grained system on the backbone.
SYSTEM_METHODS = {
    f":{each.baseline}": {"backbone": each.baseline, "rbi": each.name, "rbi-paper": each.name}
    for each in METHODS.values()
    if each.relates and each.name != "rbi"
}
QUICK_BACKBONES = ("SmallCNN", f"EfficientNetLite0{FROZEN}")
# Of the paper's list, those that its text names and that are here; of DenseNet it names 201 alone.
PAPER_BACKBONES = (
    "MobileNetV3Small",
    "MobileNetV3Large",
    "DenseNet121",
    "DenseNet201",
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "swin_small_patch4_window7_224",
    "swin_base_patch4_window7_224",
    "swin_large_patch4_window7_224:herbs",
)
# Batches of 32 in all. Epochs by training images a class. Where `--search` has runs of a peer, its
# learning rate is the best of them on validation images, rather than this one.
QUICK: dict[str, dict[str, Any]] = {
    "SmallCNN": {
        "image_size": 64,
        "embedding_dim": 128,
        "epochs": {40: 30, 80: 20, 300: 8},
        "learning_rate": 4e-3,
    },
    f"EfficientNetLite0{FROZEN}": {
        "image_size": 96,
        "embedding_dim": 256,
        "epochs": {40: 30, 80: 20, 300: 10},
        "learning_rate": 4e-3,
    },
}
OTHERS: dict[str, Any] = {"epochs": {40: 10, 80: 8, 300: 3}}
SMALLEST = {"image_size": 32, "embedding_dim": 16}


def parser(description: str | None, program: str) -> argparse.ArgumentParser:
    """The options of every program.

    Args:
        description: The program's docstring.
        program: Its name, which its results have too.
    """
    made = argparse.ArgumentParser(
        prog=f"python -m applications.paper.{program}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add("--dataset", default="typefaces", help="as in keras-rbi train (default: typefaces)")
    add("--data-dir", help="where a data set that is listed lies")
    add("--quick", action="store_true", help="small models and images: minutes on a laptop")
    what = f"NAME{FROZEN} trains the head alone, NAME:herbs and NAME:p2p-net put those on it"
    add("--backbones", nargs="+", metavar="NAME", help=what)
    add("--seeds", nargs="+", type=int, help="(default: 0 to 4; with --quick 0 and 1)")
    add("--per-class", nargs="+", type=int, default=[40], help="typefaces (default: 40)")
    add("--epochs", type=int, help="(default: the paper's 50; with --quick by the data's size)")
    add("--learning-rate", type=float, help="(default: the paper's; with --quick the best found)")
    add("--search", type=Path, default=RESULTS / "search.csv", help="runs to take rates from")
    add("--image-size", type=int, help="(default: 224; with --quick 64 or 96)")
    add("--output", type=Path, default=RESULTS / f"{program}.csv", help="rows that are there stay")
    add("--page", type=Path, metavar="FILE", help="put the table between this page's marks")
    add("--only-report", action="store_true", help="train nothing: report what --output has")
    made.set_defaults(program=program)
    return made


def backbones_of(options: Any) -> Sequence[str]:
    """The backbones that are asked for, or those of the program's size."""
    return options.backbones or (QUICK_BACKBONES if options.quick else PAPER_BACKBONES)


def seeds_of(options: Any) -> Sequence[int]:
    """The seeds that are asked for, or as many as the program's size has."""
    return options.seeds or ((0, 1) if options.quick else tuple(range(5)))


def runs_of(options: Any, peers: Iterable[str]) -> list[Run]:
    """The grid of runs that the command asks for, small blocks first."""
    return [
        run_of(options, peer, backbone, per_class, seed)
        for per_class in options.per_class
        for backbone in backbones_of(options)
        for seed in seeds_of(options)
        for peer in peers
        if peer in SYSTEM_METHODS.get(split_system(backbone)[1], (peer,))
    ]


def run_of(options: Any, peer: str, backbone: str, per_class: int, seed: int) -> Run:
    """A run as the options say, in the paper's setting or in the quick one."""
    name, system = split_system(backbone.removesuffix(FROZEN))
    values: dict[str, Any] = {
        "dataset": options.dataset,
        "data_dir": options.data_dir,
        "backbone": name,
        "seed": seed,
        "freeze": "backbone" if backbone.endswith(FROZEN) else None,
        # All as the paper trains: from a new head to the last epoch.
        "feature_head": False,
        "keep_best": False,
        **ALL[peer].settings,
    }
    if system:
        values["method"] = SYSTEM_METHODS[system][peer]
    if options.dataset == "typefaces":
        values["per_class"] = per_class
    if options.quick:
        values |= _quick(backbone, per_class)
        values["learning_rate"] = _quick_rate(options.search, backbone, peer)
    else:
        values["recipe"] = "paper"
    for given in ("epochs", "learning_rate", "image_size"):
        if getattr(options, given) is not None:
            values[given] = getattr(options, given)
    return Run(peer, TrainingSettings(**values).resolved())


def split_system(backbone: str) -> tuple[str, str]:
    """The name of a backbone, and the end of it that names a system, or nothing."""
    for end in SYSTEM_METHODS:
        if backbone.endswith(end):
            return backbone.removesuffix(end), end
    return backbone, ""


def system_of(settings: dict[str, Any]) -> str:
    """The end that names the system of a run's settings, or nothing."""
    for end, methods in SYSTEM_METHODS.items():
        if settings.get("method") in methods.values():
            return end
    return ""


def best_rates(search: Path) -> dict[tuple[str, str], float]:
    """The learning rates with which peers did best on validation images.

    Args:
        search: The rows of runs with other learning rates, of seeds that are in no table.

    Returns:
        From backbones, as they are named here, and peers to learning rates.
    """
    best: dict[tuple[str, str], tuple[float, float]] = {}
    for row in finished(search):
        settings = json.loads(row["settings"])
        frozen = row["frozen"] == "yes"
        backbone = row["backbone"] + system_of(settings) + FROZEN * frozen
        case = backbone, row["peer"]
        found = float(row["validation_accuracy"]), settings["learning_rate"]
        best[case] = max(best.get(case, found), found)
    return {case: rate for case, (_, rate) in best.items()}


def _quick_rate(search: Path, backbone: str, peer: str) -> float | None:
    rates = best_rates(search)
    # What is not searched for is a variant of RBI.
    rate = rates.get((backbone, peer), rates.get((backbone, DEFAULT)))
    return rate or QUICK.get(split_system(backbone)[0], {}).get("learning_rate")


def _quick(backbone: str, per_class: int) -> dict[str, Any]:
    budget: dict[str, Any] = dict(QUICK.get(split_system(backbone)[0], OTHERS))
    epochs = budget.pop("epochs")
    nearest = min(epochs, key=lambda size: abs(size - per_class))
    # As the paper, which clips no gradients.
    return {**budget, "epochs": epochs[nearest], "augment": None, "clip_norm": 0.0}
