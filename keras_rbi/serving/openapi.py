"""What the OpenAPI description says that FastAPI cannot read off the routes."""

from typing import Any

_DETAIL = {"type": "object", "properties": {"detail": {}}, "required": ["detail"]}
_REFERENCE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reference": {"type": "integer"},
        "class": {"type": "string"},
        "name": {"type": "string"},
        "photograph": {"type": "string"},
        "likeness": {"type": "number"},
        "share": {"type": "number"},
    },
    "required": ["reference", "class", "name", "photograph"],
}
_NEAR = {"type": "array", "items": _REFERENCE}
_ROWS = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
_TOP = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "class": {"type": "string"},
            "probability": {"type": "number"},
            "calibrated": {"type": "number"},
            "references": _NEAR,
        },
        "required": ["class", "probability"],
    },
}


def _entries(what: str, properties: dict[str, Any]) -> dict[str, Any]:
    """An entry for each image: what there is to say, or an error."""
    return {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "image": {"type": "string"},
                "error": {"type": "string"},
                **properties,
            },
            "required": ["image"],
            "oneOf": [{"required": [what]}, {"required": ["error"]}],
        },
    }


_PREDICTIONS = _entries("top", {"top": _TOP, "sure": {"type": "boolean"}})
_ANSWER = {
    "type": "object",
    "properties": {"predictions": _PREDICTIONS},
    "required": ["predictions"],
}
_UNREADABLE = {**_DETAIL, "properties": {"detail": {}, "predictions": _PREDICTIONS}}


def _images(item: dict[str, str]) -> dict[str, Any]:
    images = {"type": "array", "items": item, "minItems": 1}
    return {"schema": {"type": "object", "properties": {"images": images}, "required": ["images"]}}


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


# The body is read by this package.
REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": _images({"type": "string", "format": "binary"}),
            "application/json": _images({"type": "string", "format": "byte"}),
        },
    }
}
PREDICT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: _json("An entry for each image; one was classified, at least.", _ANSWER),
    400: _json("No image could be read, or there is none.", _UNREADABLE),
    408: _json("The request did not arrive whole in time.", _DETAIL),
    413: _json("Too many bytes or images.", _DETAIL),
    415: _json("Neither multipart nor JSON.", _DETAIL),
    422: _json("`top` is no positive number.", _DETAIL),
    500: {
        "description": "A fault of the model or the service.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    },
    503: {
        **_json("The queue is full.", _DETAIL),
        "headers": {"Retry-After": {"schema": {"type": "integer"}}},
    },
}


def _of_images(
    description: str, what: str, needed: str, properties: dict[str, Any], **more: Any
) -> dict[int | str, dict[str, Any]]:
    """Responses of an endpoint that takes images as `/predict` does."""
    entries = _entries(needed, properties)
    shape = {
        "type": "object",
        "properties": {what: entries, **more},
        "required": [what, *more],
    }
    unreadable = {**_DETAIL, "properties": {"detail": {}, what: entries}}
    return {
        **PREDICT_RESPONSES,
        200: _json(description, shape),
        400: _json("No image could be read, or there is none.", unreadable),
        422: _json("A class that the model has not, or a number out of its range.", _DETAIL),
    }


_NOT_HERE = {404: _json("The model has no maps, or no references.", _DETAIL)}
_BOTH_WAYS = {"first": _ROWS, "second": _ROWS}
EXPLAIN_RESPONSES = _NOT_HERE | _of_images(
    "Maps of each image, rows of numbers from 0 to 1, and whom it attended to.",
    "explanations",
    "maps",
    {
        "maps": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"class": {"type": "string"}, "rows": _ROWS},
                "required": ["class", "rows"],
            },
        },
        "attended": {
            "type": "object",
            "properties": {
                "itself": {"type": "number"},
                "references": _NEAR,
                "without": _TOP,
                "changed": {"type": "number"},
            },
            "required": ["itself", "references"],
        },
    },
)
COMPARE_RESPONSES = _NOT_HERE | _of_images(
    "What speaks for the first class against the second, and the other way round.",
    "comparisons",
    "classes",
    {
        "classes": _TOP,
        **_BOTH_WAYS,
        "references": {
            "type": "array",
            "items": {**_REFERENCE, "properties": {**_REFERENCE["properties"], **_BOTH_WAYS}},
        },
    },
)
NEAREST_RESPONSES = _NOT_HERE | _of_images(
    "The references that are most like each image.",
    "nearest",
    "references",
    {"references": _NEAR},
)
OBSERVATION_RESPONSES = _of_images(
    "One prediction from all images that could be read, and what each adds to it, in nats.",
    "images",
    "top",
    {"top": _TOP, "support": {"type": "number"}},
    observation={
        "type": "object",
        "properties": {
            "top": _TOP,
            "images": {"type": "integer"},
            "temperature": {"type": "number"},
            "calibrated": {"type": "boolean"},
            "sure": {"type": "boolean"},
        },
        "required": ["top", "images", "temperature", "calibrated"],
    },
)
CORRECTION_RESPONSES = {403: _json("Asked by the page of another site.", _DETAIL)} | _of_images(
    "Where each image is kept.",
    "corrections",
    "kept",
    {"kept": {"type": "string"}},
)
_LIST = {"type": "object", "properties": {"references": _NEAR}, "required": ["references"]}
REFERENCES_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: _json("The references of a class.", _LIST),
    404: _json("There are no references.", _DETAIL),
    422: _json("A class that the model has not.", _DETAIL),
}
PHOTOGRAPH_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A JPEG file.",
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
    },
    404: _json("There is no such reference.", _DETAIL),
    422: _json("No number.", _DETAIL),
}
MODEL_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: _json(
        "What the model is.",
        {
            "type": "object",
            "properties": {"classes": {"type": "array", "items": {"type": "string"}}},
            "required": ["classes", "image_size", "relations", "maps", "references", "limits"],
        },
    )
}
METRICS_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Counters in Prometheus's text format.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}
