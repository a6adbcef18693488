"""What a disk refuses, found in whatever a library makes of it."""

import errno
import os
import re

REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
# HDF5, TensorFlow and processes that are started tell it in words alone.
WORDS = {os.strerror(number): number for number in REFUSALS}
SAID = re.compile("|".join(map(re.escape, WORDS)))


def disk_error(error: BaseException) -> OSError | None:
    """The refusal of a disk that is full, limited or read-only, which an error comes from.

    Args:
        error: An error, of which the errors that it comes from are looked at too.

    Returns:
        An `OSError` with its number, and its file where that is known; `None` where the error has
        another reason.

    Example:

    >>> from keras_rbi.disk_errors import disk_error
    >>> disk_error(RuntimeError("write failed: errno = 28, 'No space left on device'"))
    OSError(28, 'No space left on device')
    """
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        if isinstance(one, OSError) and one.errno in REFUSALS:
            return one
        if not isinstance(one, ValueError) and (said := SAID.search(str(one))):
            return OSError(WORDS[said.group()], said.group())
        one = one.__cause__ or one.__context__
    return None
