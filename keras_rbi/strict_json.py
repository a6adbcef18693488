"""JSON as every program reads it: without NaN and infinities, which Python alone writes."""

import json
import math
from collections.abc import Mapping
from typing import Any


def strict_json(content: Any, indent: int | None = None) -> str:
    """JSON of something, with `null` for numbers that are none.

    Args:
        content: What `json.dumps` takes.
        indent: As there. Defaults to `None`.

    Example:

    >>> from keras_rbi.strict_json import strict_json
    >>> strict_json({"loss": [0.5, float("nan")]})
    '{"loss": [0.5, null]}'

    Reference:
        [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259), section 6.
    """
    return json.dumps(_finite(content), indent=indent, allow_nan=False)


def _finite(content: Any) -> Any:
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return content
