"""Errors of an export."""


class ExportError(RuntimeError):
    """A converter failed, or what it made does not predict what the model predicts.

    Nothing is left at the path that was named, or what was there before.
    """
