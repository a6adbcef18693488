"""The warning about data that is not as it should be."""


class DatasetWarning(UserWarning):
    """What was read of a data set is not what was released: counts, labels or files differ."""
