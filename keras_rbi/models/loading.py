"""Loading models: every registered class is imported here, so that Keras knows them by name."""

import zipfile
import zlib
from pathlib import Path

import keras

from keras_rbi.backbones import backbone_preprocessing  # noqa: F401
from keras_rbi.models.baselines import (  # noqa: F401
    backbone_classifier,
    batch_former_model,
)
from keras_rbi.models.herbs import herbs  # noqa: F401
from keras_rbi.models.p2p_net import p2p_net  # noqa: F401
from keras_rbi.models.rbi import rbi_model  # noqa: F401
from keras_rbi.optimizers import continued_schedule, rectified_adam  # noqa: F401

# More of what a library says is no line.
LONGEST_REASON = 300


class ModelFileError(ValueError):
    """A file that no model can be loaded from."""


def load_model(file: str | Path, compile: bool = True) -> keras.Model:
    """Loads a `.keras` file: `keras.models.load_model`, which knows the classes of this package.

    That every byte is as it was saved is looked at first, by the checksums that such a file has:
    Keras itself loads some damaged files.

    Args:
        file: The file.
        compile: Boolean, whether to compile it as it was. Defaults to `True`.

    Returns:
        The model.

    Raises:
        ValueError: If the file is damaged or no model, with what is wrong with it.

    Example:

    >>> import tempfile
    >>> from pathlib import Path
    >>> import keras
    >>> from keras_rbi.models.loading import load_model
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "model.keras"
    ...     model.save(file)
    ...     load_model(file).count_params()
    ...     _ = file.write_bytes(file.read_bytes()[:-100])
    ...     try:
    ...         load_model(file)
    ...     except ValueError as error:
    ...         print(str(error).partition("model.keras")[2])
    3
    ' is damaged: it ends too early or is no .keras file.
    """
    file = Path(file)
    check_whole(file)
    try:
        return keras.models.load_model(file, compile=compile)
    except Exception as error:
        # Whatever a damaged or strange configuration makes a layer raise is about the file.
        raise ModelFileError(
            f"{str(file)!r} cannot be loaded as a Keras model: {reason_of(error)}"
        ) from error


def check_whole(file: Path) -> None:
    """Refuses a `.keras` file that is not as it was saved.

    Raises:
        ValueError: If it is not, with what is wrong.
    """
    if not file.is_file():
        raise ModelFileError(f"There is no model {str(file)!r}.")
    if file.suffix != ".keras":
        return
    try:
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
    except zipfile.BadZipFile as error:
        raise ModelFileError(
            f"{str(file)!r} is damaged: it ends too early or is no .keras file."
        ) from error
    except OSError as error:
        raise ModelFileError(f"{str(file)!r} cannot be read: {reason_of(error)}") from error
    except (zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        # A method of compression, an encryption or an offset that only damage explains.
        raise ModelFileError(f"{str(file)!r} is damaged: {reason_of(error)}") from error
    if damaged is not None:
        raise ModelFileError(f"{str(file)!r} is damaged: the checksum of {damaged!r} is wrong.")


def reason_of(error: BaseException) -> str:
    """What an error says, in a line that ends with a dot."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror + "."
    if isinstance(error, RecursionError):
        return "its configuration is nested too deeply."
    lines = str(error).strip().splitlines() or [type(error).__name__]
    line = lines[0].strip()
    if len(line) > LONGEST_REASON:
        line = line[:LONGEST_REASON] + " ..."
    return line if line.endswith(".") else line + "."
