"""A cache of the ONNX file of a trained model."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from keras_rbi.atomic_write import remove_unfinished

FOLDER = "serving"


def cached_onnx(
    model_file: Path, relations: str | None, version: str, make: Callable[[Path], object]
) -> Path:
    """The ONNX file of a `.keras` file, which is kept in the folder `serving` beside it.

    Args:
        model_file: The `.keras` file.
        relations: Relations asked for, or `None` for the model's own.
        version: Of what makes the file.
        make: Function that writes the file to a path; called where it is not there yet, or was
            made of another model or by another version.

    Returns:
        The path.

    Raises:
        ValueError: If the folder cannot be written to.
    """
    with model_file.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(version.encode())
    family = f"{model_file.stem}-{relations or 'own'}-"
    path = model_file.parent / FOLDER / f"{family}{digest.hexdigest()[:16]}.onnx"
    if not path.is_file():
        try:
            path.parent.mkdir(exist_ok=True)
            make(path)
        except OSError as error:
            raise ValueError(
                f"The ONNX file {str(path)!r} cannot be written ({error}). Make one elsewhere with "
                "keras-rbi export --format onnx, and serve that."
            ) from error
    # Also where it is there: one that was killed behind its move has left them. Serving itself
    # asks for no right to write.
    with suppress(OSError):
        # With what lies beside them.
        for stale in path.parent.glob(f"{family}*"):
            if not stale.name.startswith(path.stem):
                stale.unlink()
        remove_unfinished(path.parent)
    return path
