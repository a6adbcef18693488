"""Options of `keras-rbi train` that contradict each other."""

from collections.abc import Mapping
from typing import Any

from keras_rbi.cli.output import fail
from keras_rbi.cli.settings_options import as_arguments
from keras_rbi.training.choices import BACKBONE_ALONE


def refuse_contradictions(
    given: Mapping[str, Any], download: bool, resume: bool, seeds: str | None
) -> None:
    """Refuses options that contradict each other, which of settings `resolved` does."""
    if resume and (given or download or seeds):
        flags = [word for word in as_arguments(given) if word.startswith("--")]
        flags += ["--download"] if download else []
        flags += ["--seeds"] if seeds else []
        fail(f"A resumed run keeps its settings. Leave out {', '.join(flags)}, or start a new run.")
    if given.get("rbi") is not False:
        return
    if (method := given.get("method", BACKBONE_ALONE)) != BACKBONE_ALONE:
        fail(f"--no-rbi is --method {BACKBONE_ALONE}. Leave it or --method {method} out.")
    if "variant" in given or "relation_dropout" in given:
        fail("--variant and --relation-dropout are settings of RBI. Leave them or --no-rbi out.")


def refuse_beside_minutes(
    given: Mapping[str, Any], resume: bool, seeds: str | None, find_lr: bool
) -> None:
    """Refuses options that say themselves how long a run is, or that are of several runs."""
    asked_for = {
        "--epochs": "epochs" in given,
        "--quick": bool(given.get("quick")),
        "--resume": resume,
        "--seeds": seeds is not None,
        "--find-lr": find_lr,
    }
    if others := [option for option, is_there in asked_for.items() if is_there]:
        fail(
            f"--minutes finds the number of epochs of a new run. Leave out {' and '.join(others)}."
        )
