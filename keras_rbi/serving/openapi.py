"""What the OpenAPI description says that FastAPI cannot read off the routes."""

from typing import Any

_DETAIL = {"type": "object", "properties": {"detail": {}}, "required": ["detail"]}
_TOP = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "class": {"type": "string"},
            "probability": {"type": "number"},
        },
        "required": ["class", "probability"],
    },
}
_PREDICTIONS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"image": {"type": "string"}, "top": _TOP, "error": {"type": "string"}},
        "required": ["image"],
        "oneOf": [{"required": ["top"]}, {"required": ["error"]}],
    },
}
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
METRICS_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Counters in Prometheus's text format.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}
