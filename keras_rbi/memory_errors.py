"""That memory does not suffice, found in whatever a library makes of it."""

import re

# NumPy and Python raise `MemoryError`; TensorFlow, JAX and PyTorch have classes of their own, or
# none, and these words.
KINDS = ("MemoryError", "OutOfMemoryError", "ResourceExhaustedError")
SAID = re.compile(
    r"RESOURCE_EXHAUSTED|[Oo]ut of memory|can't allocate memory|cannot allocate memory"
    r"|OOM when allocating|bad_alloc"
)


def is_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory, or one that it comes from.

    Example:

    >>> from keras_rbi.memory_errors import is_of_memory
    >>> is_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ..."))
    True
    """
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        kinds = {kind.__name__ for kind in type(one).__mro__}
        if kinds.intersection(KINDS) or SAID.search(str(one)):
            return True
        one = one.__cause__ or one.__context__
    return False
