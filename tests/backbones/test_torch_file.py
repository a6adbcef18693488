"""Files of PyTorch's, written by PyTorch and by hand."""

import collections
import io
import pickle
import struct
import zipfile

import numpy as np
import pytest

from keras_rbi.backbones.torch_file import LEGACY_VERSION, MAGIC_NUMBER, read_state_dict

VALUES = np.arange(6, dtype="<f4") / 4


def name(module, attribute):
    return f"c{module}\n{attribute}\n".encode()


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def integer(value):
    length = value.bit_length() // 8 + 1
    return b"\x8a" + bytes([length]) + value.to_bytes(length, "little", signed=True)


def integers(values):
    return b"(" + b"".join(map(integer, values)) + b"t"


def tensor(shape=(2, 3), strides=(3, 1), offset=0, size=6, key="0", storage="FloatStorage"):
    """The instructions that push a tensor, as PyTorch's pickles hold them."""
    kind = text("storage") + name("torch", storage)
    reference = b"(" + kind + text(key) + text("cpu") + integer(size) + b"tQ"
    view = integer(offset) + integers(shape) + integers(strides)
    hooks = b"\x89" + name("collections", "OrderedDict") + b")R"
    return name("torch._utils", "_rebuild_tensor_v2") + b"(" + reference + view + hooks + b"tR"


def state(**entries):
    items = b"".join(text(key) + value for key, value in entries.items())
    return b"\x80\x02" + name("collections", "OrderedDict") + b")R(" + items + b"u."


def legacy(pickled, storages=(("0", VALUES),)):
    system = {"protocol_version": LEGACY_VERSION, "little_endian": True, "type_sizes": {}}
    head = b"".join(pickle.dumps(x, protocol=2) for x in (MAGIC_NUMBER, LEGACY_VERSION, system))
    keys = pickle.dumps([key for key, _ in storages], protocol=2)
    tail = b"".join(struct.pack("<q", values.size) + values.tobytes() for _, values in storages)
    return head + pickled + keys + tail


def archive(pickled, storages=(("0", VALUES),), compression=zipfile.ZIP_STORED, byte_order=None):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as written:
        written.writestr("model/data.pkl", pickled)
        if byte_order:
            written.writestr("model/byteorder", byte_order)
        for key, values in storages:
            written.writestr(f"model/data/{key}", values.tobytes())
    return file.getvalue()


FORMATS = pytest.mark.parametrize("write", [legacy, archive])


@pytest.fixture
def read(tmp_path):
    def read(data):
        path = tmp_path / "weights.pth"
        path.write_bytes(data)
        return read_state_dict(path)

    return read


@FORMATS
def test_a_file_made_by_hand(read, write):
    storages = (("0", VALUES), ("1", np.array([-7], "<i8")))
    values = read(
        write(
            state(
                rows=tensor(),
                columns=tensor(shape=(3, 2), strides=(1, 3)),
                part=tensor(shape=(2,), strides=(2,), offset=1),
                repeated=tensor(shape=(2, 2), strides=(0, 1), offset=4),
                empty=tensor(shape=(0, 3), strides=(3, 1), offset=6),
                count=tensor(shape=(), strides=(), size=1, key="1", storage="LongStorage"),
            ),
            storages,
        )
    )
    assert list(values) == ["rows", "columns", "part", "repeated", "empty", "count"]
    np.testing.assert_array_equal(values["rows"], [[0, 0.25, 0.5], [0.75, 1, 1.25]])
    np.testing.assert_array_equal(values["columns"], [[0, 0.75], [0.25, 1], [0.5, 1.25]])
    np.testing.assert_array_equal(values["part"], [0.25, 0.75])
    np.testing.assert_array_equal(values["repeated"], [[1, 1.25], [1, 1.25]])
    assert values["empty"].shape == (0, 3)
    assert values["count"].shape == ()
    assert values["count"] == -7
    assert [values[key].dtype for key in ("rows", "count")] == [np.float32, np.int64]
    assert np.shares_memory(values["rows"], values["columns"])
    with pytest.raises(ValueError, match="read-only"):
        values["rows"][0, 0] = 1


def test_an_archive_of_a_big_endian_machine(read):
    data = archive(state(rows=tensor()), (("0", VALUES.astype(">f4")),), byte_order=b"big")
    np.testing.assert_array_equal(read(data)["rows"], VALUES.reshape(2, 3))


@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize("protocol", [2, 4])
def test_files_of_pytorch(tmp_path, archived, protocol):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    base = torch.randn(4, 5, 6)
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    states = {
        "module": module.state_dict(),
        "plain": {"view": base[1:3, ::2], "permuted": base.permute(2, 0, 1), "same": base},
        "types": {
            str(dtype): torch.arange(-3, 4).to(dtype)
            for dtype in (
                *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
                *(torch.float16, torch.float32, torch.float64),
            )
        },
        "corners": {
            "scalar": torch.tensor(2.5),
            "none": torch.empty(0, 3),
            "expanded": torch.tensor([1.5]).expand(3, 4),
        },
    }
    for case, state_dict in states.items():
        path = tmp_path / f"{case}.pth"
        torch.save(
            state_dict,
            path,
            pickle_protocol=protocol,
            _use_new_zipfile_serialization=archived,
        )
        ours = read_state_dict(path)
        # PyTorch's own restricted reader knows protocol 2 alone.
        theirs = torch.load(path, weights_only=protocol == 2)
        assert list(ours) == list(theirs)
        for key, values in theirs.items():
            assert ours[key].dtype == values.numpy().dtype
            np.testing.assert_array_equal(ours[key], values.numpy(), strict=True)


class Malice:
    """Writes a file when a careless reader unpickles it."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@FORMATS
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_what_a_file_names_is_not_called(read, write, protocol, tmp_path):
    mark = tmp_path / "mark"
    malice = pickle.dumps({"x": Malice(open, str(mark), "w")}, protocol=protocol)
    with pytest.raises(ValueError, match=r"(io|_io|builtins|__builtin__)\.open|instruction"):
        read(write(malice))
    assert not mark.exists()


@FORMATS
@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (state(x=name("os", "system") + text("true") + b"\x85R"), r"names os\.system"),
        (state(x=text("os") + text("system") + b"\x93)R"), r"names os\.system"),
        (state(x=name("collections", "OrderedDict.fromkeys") + b")R"), "fromkeys"),
        (state(x=name("torch", "BFloat16Storage")), r"torch\.BFloat16Storage"),
        (state(x=name("torch._utils", "_rebuild_parameter")), "_rebuild_parameter"),
        (state(x=name("torch", "FloatStorage") + integer(3) + b"\x85R"), "calls"),
        (state(x=b"(ios\nsystem\n"), "instruction INST"),
        (state(x=name("collections", "OrderedDict") + b")\x81"), "instruction NEWOBJ"),
        (state(x=b"\x82\x01"), "instruction EXT1"),
        (state(x=text("a") + b"Q"), "storage"),
    ],
)
def test_anything_but_a_state_dict_is_refused_by_name(read, write, pickled, message):
    with pytest.raises(ValueError, match=message):
        read(write(pickled))


@FORMATS
@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (state(epoch=integer(3)), "entry 'epoch' is a int"),
        (state(model=b"}" + text("x") + tensor() + b"s"), "entry 'model' is a dict"),
        (b"\x80\x02" + tensor() + b".", "holds a Tensor"),
        (b"\x80\x02].", "holds a list"),
        (b"\x80\x02h\x05.", "damaged"),
        (b"\x80\x02R.", "damaged"),
        (b"\x80\x02t.", "damaged"),
        (b"\x80\x02.", "damaged"),
        (b"\x80\x02", "pickle|list"),
        (b"", "pickle|list"),
    ],
)
def test_other_values_and_damage_are_told(read, write, pickled, message):
    with pytest.raises(ValueError, match=message):
        read(write(pickled))


@FORMATS
@pytest.mark.parametrize(
    "arguments",
    [
        {"shape": (7,), "strides": (1,)},
        {"shape": (2, 3), "strides": (4, 1)},
        {"offset": 1},
        {"shape": (), "strides": (), "offset": 6},
        {"shape": (2**70,), "strides": (1,)},
        {"shape": (2,), "strides": (2**70,)},
        # In 64 bits these strides, in bytes, add up to zero.
        {"shape": (2, 2, 2, 2), "strides": (2**60,) * 4},
        {"shape": (2, 2), "strides": (-1, 1)},
        {"offset": -1},
        {"shape": (2, 3), "strides": (1,)},
        {"size": 7},
        {"size": 2**40},
        {"size": -1},
        {"storage": "DoubleStorage"},
    ],
)
def test_no_tensor_reaches_beyond_its_storage(read, write, arguments):
    with pytest.raises(ValueError, match=r"storage|makes a tensor"):
        read(write(state(x=tensor(**arguments))))


def test_a_storage_is_described_in_one_way(read):
    data = legacy(state(x=tensor(), y=tensor(storage="IntStorage")))
    with pytest.raises(ValueError, match="two ways"):
        read(data)


@FORMATS
def test_every_truncated_file_gets_one_clear_error(read, write):
    whole = write(state(x=tensor()))
    np.testing.assert_array_equal(read(whole)["x"], VALUES.reshape(2, 3))
    for length in range(len(whole)):
        with pytest.raises(ValueError, match=r"weights\.pth' cannot be read as a state dict"):
            read(whole[:length])


def test_missing_storages_are_told(read):
    with pytest.raises(ValueError, match="list of storages"):
        read(legacy(state(x=tensor()), ()))
    with pytest.raises(ValueError, match="storage '0' is missing"):
        read(archive(state(x=tensor()), ()))


def test_compressed_archives_are_refused(read):
    with pytest.raises(ValueError, match="compressed"):
        read(archive(state(x=tensor()), compression=zipfile.ZIP_DEFLATED))


@pytest.mark.parametrize("data", [b"nothing", pickle.dumps({"x": 1}), b"PK\x03\x04", b"\x80\x02K"])
def test_files_of_another_kind_are_told(read, data):
    with pytest.raises(ValueError, match="cannot be read as a state dict"):
        read(data)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ValueError, match="no file of weights"):
        read_state_dict(tmp_path / "none.pth")


def test_damaged_bytes_never_raise_anything_else(tmp_path):
    generator = np.random.default_rng(0)
    path = tmp_path / "weights.pth"
    for write in (legacy, archive):
        whole = np.frombuffer(write(state(x=tensor())), "u1")
        for _ in range(300):
            damaged = whole.copy()
            places = generator.integers(0, damaged.size, generator.integers(1, 4))
            damaged[places] = generator.integers(0, 256, places.size)
            path.write_bytes(damaged.tobytes())
            try:
                values = read_state_dict(path)
            except ValueError:
                continue
            assert isinstance(values, collections.abc.Mapping)
