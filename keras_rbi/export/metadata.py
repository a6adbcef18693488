"""The metadata of an exported model."""

from typing import Any

from keras_rbi._version import __version__
from keras_rbi.export.options import ExportOptions

# The key or file under which every format holds it, as JSON.
METADATA_KEY = "keras_rbi"
METADATA_FILE = "keras_rbi.json"

PREPROCESSING = "none to do: raw RGB pixels of 0..255 as float32; what the backbone needs is inside"


def metadata_of(options: ExportOptions) -> dict[str, Any]:
    """Class names, image shape, preprocessing, relations, version and model card, for JSON."""
    return {
        "class_names": None if options.class_names is None else list(options.class_names),
        "image_shape": list(options.image_shape),
        "preprocessing": PREPROCESSING,
        "relations": options.relations,
        "inputs": list(options.inputs),
        "outputs": options.output_names,
        "precision": options.precision,
        "keras_rbi_version": __version__,
        **({} if options.model_card is None else {"model_card": options.model_card}),
        **_temperatures(options),
    }


def _temperatures(options: ExportOptions) -> dict[str, Any]:
    """How sure several images make a prediction, where exports take observations."""
    if "observations" not in options.inputs:
        return {}
    found = {str(count): value for count, value in options.observation_temperatures}
    return {"observation_temperatures": found}
