"""What goes wrong after an export has begun."""


class ExportError(RuntimeError):
    """A converter failed, or what it made does not answer as the model does.

    Nothing is left at the path that was named, or what was there before.
    """
