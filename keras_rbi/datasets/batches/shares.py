"""Shares of a batch, one for each process."""


def share_of(rows: int, process: int, processes: int) -> slice:
    """The rows of a batch that a process has: consecutive ones, the first have one more.

    Args:
        rows: Integer, rows of the batch.
        process: Integer, the number of the process, from 0.
        processes: Integer, how many there are.

    Returns:
        A slice.

    Example:

    >>> from keras_rbi.datasets.batches.shares import share_of
    >>> [share_of(8, process, 3) for process in range(3)]
    [slice(0, 3, None), slice(3, 6, None), slice(6, 8, None)]
    """
    each, more = divmod(rows, processes)
    begin = process * each + min(process, more)
    return slice(begin, begin + each + (process < more))
