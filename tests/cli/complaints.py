"""What a command says on its error stream, beside what it says that it is doing."""


def complaints(text):
    """Its lines, without those of progress, which end in three dots."""
    return [line for line in text.splitlines() if not line.endswith(" ...")]
