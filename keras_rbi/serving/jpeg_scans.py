"""How many times over a JPEG file writes its picture."""

import re

START, START_OF_SCAN, END = b"\xff\xd8", 0xDA, 0xD9
# What ends a scan: a marker that is neither a byte 255 of the data, nor a place to restart at.
MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)
# Profiles and thumbnails of photographs come in some tens.
MOST_SEGMENTS = 4096


def count_scans(content: bytes) -> int:
    """Counts the scans of a JPEG from its markers, without decoding any.

    Args:
        content: The bytes of a file.

    Returns:
        Number of scans before the end of the picture; 0 for other files.

    Raises:
        ValueError: If it is cut into more segments than anybody has use for.

    Example:

    >>> import io
    >>> from PIL import Image
    >>> from keras_rbi.serving.jpeg_scans import count_scans
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (8, 8)).save(file, "JPEG", progressive=True)
    >>> count_scans(file.getvalue())
    10
    """
    if not content.startswith(START):
        return 0
    scans, place = 0, len(START)
    for _ in range(MOST_SEGMENTS):
        found = MARKER.search(content, place)
        if found is None or found[1][0] == END:
            return scans
        scans += found[1][0] == START_OF_SCAN
        # A segment says its own length; the data of a scan, which follow it, do not.
        place = found.end() + int.from_bytes(content[found.end() : found.end() + 2])
    raise ValueError(f"more than {MOST_SEGMENTS} segments")
