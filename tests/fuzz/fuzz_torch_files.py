"""Bytes of any kind as a file of PyTorch's."""

import tempfile
from pathlib import Path

from keras_rbi.backbones.torch_file import read_state_dict


def check(data: bytes) -> None:
    """They are refused in one error that names the file, or give arrays within its bytes."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "a.pth")
        path.write_bytes(data)
        said = None
        try:
            arrays = read_state_dict(path)
        except ValueError as error:
            said, arrays = str(error), {}
        assert said is None or str(path) in said
    for key, array in arrays.items():
        assert isinstance(key, str)
        assert not array.flags.writeable
        if array.size:
            # Reads the first number and the last.
            array[(0,) * array.ndim], array[(-1,) * array.ndim]
            steps = zip(array.shape, array.strides, strict=True)
            extent = array.itemsize + sum((size - 1) * stride for size, stride in steps)
            assert extent <= len(data)
