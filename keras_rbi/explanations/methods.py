"""The methods of class activation maps, by name."""

METHODS = ("grad_cam", "hires_cam", "layer_cam")


def check_method(method: str) -> None:
    """Raises a `ValueError` where there is no such method."""
    if method not in METHODS:
        known = ", ".join(map(repr, METHODS))
        raise ValueError(f"`method` must be one of {known}. Received: method={method!r}.")
