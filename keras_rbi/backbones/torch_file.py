"""State dicts that `torch.save` wrote, read without PyTorch."""

import io
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np

from keras_rbi.backbones.torch_pickle import Storage, Tensor, read_pickle

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
LEGACY_VERSION = 1001
ZIP_SIGNATURE = b"PK\x03\x04"


def read_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """Reads the tensors of a state dict.

    Nothing that the file names is called or imported, so a file of unknown origin does no harm.

    Args:
        path: Path to a file that `torch.save(model.state_dict(), path)` wrote, in the present
            format (a ZIP archive) or the one before PyTorch 1.6.

    Returns:
        A read-only array for each tensor, by name and in the order of the file, with the tensor's
        dtype and shape. Tensors that share their storage share it here as well.

    Raises:
        ValueError: If there is no such file, if it is not a file of PyTorch's, if it holds
            anything but a dictionary of tensors, or if it is damaged or incomplete.

    Example:

    ```python
    weights = read_state_dict("model.pth")
    weights["fc.weight"].shape  # (1000, 1280)
    ```
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no file of weights {str(path)!r}.")
    data = path.read_bytes()
    try:
        read = _read_archive if data.startswith(ZIP_SIGNATURE) else _read_legacy
        return read(data)
    except Exception as error:  # Damaged archives raise errors of a dozen kinds.
        reason = str(error) or type(error).__name__
        raise ValueError(
            f"{str(path)!r} cannot be read as a state dict: {reason}. Expected a complete file "
            "that `torch.save(model.state_dict(), path)` wrote, of tensors of numbers alone."
        ) from error


def _read_legacy(data: bytes) -> dict[str, np.ndarray]:
    """Three pickled headers, the pickled state dict, its storages' keys, and the storages."""
    file = io.BytesIO(data)
    try:
        header = (read_pickle(file), read_pickle(file))
    except ValueError:
        header = (None, None)
    if header != (MAGIC_NUMBER, LEGACY_VERSION):
        raise ValueError("it does not start as PyTorch's files do")
    read_pickle(file)
    tensors = _tensors(read_pickle(file))
    storages = _storages(tensors)
    keys = read_pickle(file)
    if not isinstance(keys, list) or set(keys) != set(storages):
        raise ValueError("its list of storages is not that of its tensors")
    contents = {}
    for key in keys:
        storage = storages[key]
        size = int.from_bytes(file.read(8), "little")
        content = memoryview(data)[file.tell() :][: _byte_size(storage)]
        _check_size(storage, size, content)
        contents[key] = content
        file.seek(len(content), io.SEEK_CUR)
    return {name: _array(name, tensor, contents, "<") for name, tensor in tensors.items()}


def _read_archive(data: bytes) -> dict[str, np.ndarray]:
    """A ZIP archive of the pickled state dict and a file for each storage."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {info.filename: info for info in archive.infolist()}
        if any(info.compress_type != zipfile.ZIP_STORED for info in files.values()):
            raise ValueError("it is compressed, as PyTorch's files never are")
        roots = [name.removesuffix("data.pkl") for name in files if name.endswith("/data.pkl")]
        if len(roots) != 1:
            raise ValueError("it is a ZIP archive, but has no data.pkl")
        root = roots[0]
        tensors = _tensors(read_pickle(io.BytesIO(archive.read(f"{root}data.pkl"))))
        contents = {}
        for key, storage in _storages(tensors).items():
            if f"{root}data/{key}" not in files:
                raise ValueError(f"its storage {key!r} is missing")
            content = memoryview(archive.read(f"{root}data/{key}"))
            _check_size(storage, storage.size, content)
            contents[key] = content
        order = f"{root}byteorder"
        big = order in files and archive.read(order) == b"big"
    return {
        name: _array(name, tensor, contents, ">" if big else "<")
        for name, tensor in tensors.items()
    }


def _tensors(state: Any) -> dict[str, Tensor]:
    if not isinstance(state, dict):
        raise ValueError(f"it holds a {type(state).__name__}, not a dictionary of tensors")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise ValueError(f"its entry {name!r} is a {type(value).__name__}, not a tensor")
    return state


def _storages(tensors: dict[str, Tensor]) -> dict[str, Storage]:
    storages: dict[str, Storage] = {}
    for tensor in tensors.values():
        storage = tensor.storage
        if storages.setdefault(storage.key, storage) != storage:
            raise ValueError(f"it describes its storage {storage.key!r} in two ways")
    return storages


def _byte_size(storage: Storage) -> int:
    return storage.size * np.dtype(storage.dtype).itemsize


def _check_size(storage: Storage, size: int, content: memoryview) -> None:
    if size != storage.size or len(content) != _byte_size(storage):
        raise ValueError(
            f"its storage {storage.key!r} should have {storage.size} numbers in "
            f"{_byte_size(storage)} bytes, and has {len(content)} bytes (is the file incomplete?)"
        )


def _array(
    name: str, tensor: Tensor, contents: dict[str, memoryview], byte_order: Literal["<", ">"]
) -> np.ndarray:
    dtype = np.dtype(tensor.storage.dtype).newbyteorder(byte_order)
    # NumPy checks this as well, but in numbers of 64 bits, which overflow.
    last = tensor.offset + sum(
        (size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    fits = 0 in tensor.shape or last < tensor.storage.size
    try:
        array: np.ndarray = np.ndarray(
            tensor.shape,
            dtype,
            contents[tensor.storage.key],
            0 if 0 in tensor.shape else tensor.offset * dtype.itemsize,
            tuple(stride * dtype.itemsize for stride in tensor.strides),
        )
    except (ValueError, OverflowError):
        fits = False
    if not fits:
        raise ValueError(
            f"its tensor {name!r} of offset {tensor.offset}, shape {tensor.shape} and strides "
            f"{tensor.strides} leaves its storage of {tensor.storage.size} numbers"
        )
    return array
