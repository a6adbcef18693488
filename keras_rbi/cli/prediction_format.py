"""The format in which predictions are written."""

from pathlib import Path

from keras_rbi.cli.output import asked, fail
from keras_rbi.cli.predictions import WRITERS

TABLE = "table"
PARQUET = "parquet"
FORMATS = (TABLE, *WRITERS, PARQUET)


def prediction_format(form: str | None, output: Path | None) -> str:
    """The format that is asked for, else the one that the file is called after, else a table.

    A file that is called after another format ends the command, lest it hold what it does not say.

    `--json` is about what is printed: predictions where they are, and what became of them where
    they go to a file.
    """
    if asked.json and output is None and form not in (None, "json"):
        fail(f"--json and --format {form} contradict each other. Leave out one.")
    if form is not None and form not in FORMATS:
        fail(f"There is no format {form!r}. Use one of {', '.join(FORMATS)}.")
    if form is not None:
        return form
    suffix = "" if output is None else output.suffix.lower().lstrip(".")
    if suffix in FORMATS:
        return suffix
    if suffix:
        *others, last = (f".{name}" for name in FORMATS if name != TABLE)
        fail(
            f"--output {str(output)!r} ends in .{suffix}, which is no format of predictions. End "
            f"it in {', '.join(others)} or {last}, or name its format with --format."
        )
    return "json" if asked.json else TABLE
