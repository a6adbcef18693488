"""PyTorch programs."""

from keras_rbi.export.formats.format import Format

FORMAT = Format(
    name="torch",
    package=__name__,
    suffix=".pt2",
    backends=("torch",),
    cuts_groups=False,
)
