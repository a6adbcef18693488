"""Options of an export."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import keras

from keras_rbi.checks import one_of, positive_integer
from keras_rbi.export.formats import FORMATS, format_named
from keras_rbi.export.formats.format import Format
from keras_rbi.layers.relation_sets import INFERENCE_RELATIONS
from keras_rbi.models.class_maps import has_known_steps, why_no_class_maps
from keras_rbi.models.keras_classifier import classifier_of
from keras_rbi.models.relations import NO_REFERENCES

INPUTS = ("images", "image_bytes", "sets", "observations")
# Of these the images that are sent together may relate, and relate to no others.
INPUTS_OF_SETS = ("sets", "observations")
OUTPUTS = ("probabilities", "top_k", "features", "maps", "attention")
# What needs a model of keras_rbi, whose steps are known.
OF_STEPS = OUTPUTS[2:]
# What an export has unless it is asked for more.
DEFAULT_OUTPUTS = ("probabilities", "top_k")

BATCH_BY_NAME_ONLY = (
    "This model has relations='batch', in which an image's prediction depends on the other images "
    "of its batch, and a server puts other users' requests into one batch and fills it with copies "
    "of a row: one client's images would change another's prediction. Pass relations='self' or "
    "'references'; inputs='sets' or 'observations', which relate the images of a set alone; or, "
    "where every batch is yours, relations='batch' by name."
)


@dataclass(frozen=True)
class ExportOptions:
    """What is to be written, after all checks and with nothing left open."""

    format: str
    relations: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    top_k: int
    precision: str
    class_names: tuple[str, ...] | None
    image_shape: tuple[int, int, int]
    model_card: str | None = None
    observation_temperatures: tuple[tuple[int, float], ...] = ()

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs in their order."""
        names = {
            "probabilities": ["probabilities"],
            "top_k": ["top_k_classes", "top_k_probabilities"],
            "features": ["features"],
            "maps": ["maps"],
            "attention": ["attention", "probabilities_without_attention"],
        }
        return [name for output in OUTPUTS if output in self.outputs for name in names[output]]

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(fields: dict[str, Any]) -> "ExportOptions":
        """The options that `as_dict` has given, after JSON has made lists of tuples."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
        }
        return ExportOptions(**values)


def export_options(
    model: keras.Model,
    format: str,
    relations: str | None,
    inputs: str | Sequence[str],
    outputs: str | Sequence[str],
    top_k: int,
    precision: str,
    class_names: Sequence[str] | None,
    model_card: str | None = None,
    observation_temperatures: Mapping[int, float] | None = None,
) -> ExportOptions:
    """Checks the arguments of `export_model` and settles what is open.

    Raises:
        ValueError: As `export_model` does.
    """
    entry = format_named(format)
    if len(model.inputs) != 1 or len(model.input_shape) != 4 or len(model.output_shape) != 2:
        raise ValueError(
            "Only models from images to classes can be exported. Received: a model with input "
            f"{model.input_shape} and output {model.output_shape}."
        )
    image_shape = tuple(model.input_shape[1:])
    if None in image_shape:
        raise ValueError(
            f"The model takes images of any size, {image_shape}. Build it for one size: pass "
            "input_shape=(height, width, 3) to its backbone."
        )
    names = _chosen("inputs", inputs, INPUTS)
    if not entry.has_several_inputs and (len(names) > 1 or names[0] == "image_bytes"):
        raise ValueError(
            f"The format {format!r} has one input, 'images', 'sets' or 'observations'. Several, "
            f"and 'image_bytes', have: {_formats(lambda entry: entry.has_several_inputs)}. "
            f"Received: inputs={inputs!r}."
        )
    if "image_bytes" in names and image_shape[2] != 3:
        raise ValueError(
            "inputs='image_bytes' decodes RGB images with their channels last. The model takes "
            f"images of shape {image_shape}."
        )
    if precision not in entry.precisions:
        raise ValueError(
            f"The format {format!r} has the precisions {', '.join(map(repr, entry.precisions))}. "
            f"Received: precision={precision!r}."
        )
    if precision == "int8" and set(names) & set(INPUTS_OF_SETS):
        raise ValueError(
            "precision='int8' is of inputs='images': in 8-bit integers, logarithms of "
            "probabilities and relations of few images are not what the model makes of them. Pass "
            f"precision='float16' or 'float32'. Received: inputs={inputs!r}."
        )
    classes = int(model.output_shape[-1])
    if class_names is None:
        class_names = getattr(model, "class_names", None)
    if class_names is not None and len(class_names) != classes:
        raise ValueError(
            f"The model has {classes} classes. Received: {len(class_names)} `class_names`."
        )
    relations = _relations(model, relations, names)
    given = _chosen("outputs", outputs, OUTPUTS)
    _check_outputs_of_steps(model, relations, names, given)
    if not entry.cuts_groups and (relations, names) == ("batch", ("images",)):
        _check_no_groups(model, format)
    return ExportOptions(
        format=format,
        relations=relations,
        inputs=names,
        outputs=given,
        top_k=min(positive_integer("top_k", top_k), classes),
        precision=precision,
        class_names=None if class_names is None else tuple(map(str, class_names)),
        image_shape=image_shape,
        model_card=model_card,
        observation_temperatures=_temperatures(observation_temperatures),
    )


def _relations(model: keras.Model, relations: str | None, inputs: Sequence[str]) -> str:
    asked = classifier_of(model)
    if asked.relations is None:
        if relations not in (None, "none") or "sets" in inputs:
            raise ValueError(
                "Only a model with relations, such as an RBIModel, relates images in an export. "
                f"Received: {model.name!r}, whose images do not relate, and "
                f"relations={relations!r}, inputs={tuple(inputs)!r}."
            )
        return "none"
    if relations is None and asked.relations == "batch":
        if not set(inputs) <= set(INPUTS_OF_SETS):
            raise ValueError(BATCH_BY_NAME_ONLY)
        relations = "batch"
    relations = str(one_of("relations", relations or asked.relations, INFERENCE_RELATIONS))
    if relations == "references" and asked.references is None:
        raise ValueError(NO_REFERENCES)
    # Images of an observation relate to each other with "batch" alone, those of a set always.
    relating = INPUTS_OF_SETS if relations == "batch" else ("sets",)
    found = [name for name in inputs if name in relating]
    if found and not asked.relates_sets:
        raise ValueError(f"inputs={found[0]!r} needs layers derived from RPE and RRA.")
    return relations


def _temperatures(given: Mapping[int, float] | None) -> tuple[tuple[int, float], ...]:
    found = tuple(sorted((given or {}).items()))
    if not all(count >= 1 and 0 < value < math.inf for count, value in found):
        raise ValueError(
            "`observation_temperatures` must be a dictionary from numbers of images, 1 and more, "
            f"to temperatures above 0. Received: {given!r}."
        )
    return found


def outputs_for_a_page(
    model: Any, relations: str | None = None
) -> tuple[tuple[str, ...], str | None]:
    """What an export may have for people who look at predictions.

    Args:
        model: A model from images to classes.
        relations: As in `export_model`. Defaults to `None`.

    Returns:
        `outputs` of `export_model`, probabilities with features, maps and attention to references
        where they can be had; and why maps cannot, or `None`.
    """
    if not has_known_steps(model):
        return ("probabilities",), f"{type(model).__name__} is no model of keras_rbi."
    relations = relations or model.relations or "none"
    outputs: tuple[str, ...] = ("probabilities", "features")
    if _why_no_attention(model, relations) is None:
        outputs += ("attention",)
    reason = why_no_class_maps(model, relations)
    if reason is not None:
        return outputs, f"Of its maps: {reason}."
    return (*outputs, "maps"), None


def _why_no_attention(model: Any, relations: str) -> str | None:
    """Why there is no attention to references to be had; `None` where there is."""
    if relations != "references":
        return f"its images relate to no references (relations={relations!r})"
    return None if model.has_attention else "its attention is a layer of one's own"


def _check_outputs_of_steps(
    model: keras.Model, relations: str, inputs: Sequence[str], outputs: Sequence[str]
) -> None:
    more = [name for name in OF_STEPS if name in outputs]
    if not more:
        return
    if not set(outputs) & set(DEFAULT_OUTPUTS):
        raise ValueError(
            f"`outputs` must hold 'probabilities' or 'top_k' too, by which an export is checked. "
            f"Received: {tuple(outputs)}."
        )
    if set(inputs) & set(INPUTS_OF_SETS) or "images" not in inputs:
        raise ValueError(
            f"outputs={more[0]!r} is of inputs='images'. Received: inputs={tuple(inputs)}."
        )
    if not has_known_steps(model):
        raise ValueError(
            f"outputs={more[0]!r} needs a model of keras_rbi, whose steps are known. Received: "
            f"{type(model).__name__}."
        )
    reason = why_no_class_maps(model, relations) if "maps" in outputs else None
    if reason is not None:
        raise ValueError(
            f"outputs='maps' cannot be had of this model: {reason}. Leave it out; "
            "keras_rbi.explanations.grad_cam explains every model."
        )
    reason = _why_no_attention(model, relations) if "attention" in outputs else None
    if reason is not None:
        raise ValueError(
            f"outputs='attention' cannot be had of this model: {reason}. Leave it out, or call "
            "set_references and pass relations='references'."
        )


def _check_no_groups(model: keras.Model, format: str) -> None:
    group_size = classifier_of(model).group_size
    if group_size:
        raise ValueError(
            f"The format {format!r} cannot cut batches of any size into relation groups. Received: "
            f"a model with group_size={group_size} and relations='batch'. Pass inputs='sets', or "
            f"take one of {_formats(lambda entry: entry.cuts_groups)}."
        )


def _formats(has: Callable[[Format], bool]) -> str:
    return ", ".join(repr(name) for name, entry in FORMATS.items() if has(entry))


def _chosen(name: str, value: str | Sequence[str], choices: Sequence[str]) -> tuple[str, ...]:
    values = (value,) if isinstance(value, str) else tuple(value)
    if not values or len(set(values)) < len(values) or not set(values) <= set(choices):
        known = ", ".join(map(repr, choices))
        raise ValueError(f"`{name}` must be one or several of {known}. Received: {value!r}.")
    return values
