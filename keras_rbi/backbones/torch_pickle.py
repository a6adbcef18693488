"""What PyTorch pickles for a state dict, read without calling anything the file names."""

import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

ORDERED_DICT = "collections.OrderedDict"
REBUILD_TENSOR = "torch._utils._rebuild_tensor_v2"
DTYPES = {
    "torch.BoolStorage": "?",
    "torch.ByteStorage": "u1",
    "torch.CharStorage": "i1",
    "torch.ShortStorage": "i2",
    "torch.IntStorage": "i4",
    "torch.LongStorage": "i8",
    "torch.HalfStorage": "f2",
    "torch.FloatStorage": "f4",
    "torch.DoubleStorage": "f8",
}
ADMITTED = {ORDERED_DICT, REBUILD_TENSOR, *DTYPES}


class Name(NamedTuple):
    """A class or function that the file names, of which nothing but the name is used."""

    name: str


class Storage(NamedTuple):
    """A run of numbers somewhere else in the file."""

    key: str
    dtype: str
    size: int


class Tensor(NamedTuple):
    """A view of a storage; offset and strides are counted in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_pickle(file: BinaryIO) -> Any:
    """Reads one pickle of plain values, dictionaries and tensors.

    A pickle is a program. Python's own reader calls what it names, and even a reader that admits
    few names lets it change their attributes; this one knows the instructions that a state dict
    is made of and makes nothing but builtin values, `Storage` and `Tensor`.

    Args:
        file: Binary file, at the start of a pickle. It is left after the end of it.

    Returns:
        The value, with a `Tensor` for each tensor.

    Raises:
        ValueError: If the pickle names anything that is not admitted, if it holds another
            instruction, or if it is damaged.
    """
    machine = _Machine()
    try:
        for instruction, argument, _ in pickletools.genops(file):
            if instruction.name == "STOP":
                return machine.stack.pop()
            machine.do(instruction.name, argument)
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError(f"the pickle is damaged ({type(error).__name__}: {error})") from error
    raise ValueError("the pickle has no end")


class _Machine:
    """The stack, the marks on it, and the values that are referred to again."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def do(self, instruction: str, argument: Any) -> None:
        if instruction in CONSTANTS:
            self.stack.append(CONSTANTS[instruction]())
        elif instruction in LITERALS:
            self.stack.append(argument)
        elif instruction in TUPLE_LENGTHS:
            self.stack.append(tuple(self.pop(TUPLE_LENGTHS[instruction])))
        elif instruction in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.stack[-1]
        elif instruction == "MEMOIZE":
            self.memo[len(self.memo)] = self.stack[-1]
        elif instruction in ("BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        elif instruction in STEPS:
            STEPS[instruction](self, argument)
        elif instruction not in ("PROTO", "FRAME"):
            raise ValueError(f"it holds the instruction {instruction}, which no state dict needs")

    def pop(self, count: int) -> list[Any]:
        if count > len(self.stack):
            raise IndexError("the stack is empty")
        start = len(self.stack) - count
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def pop_to_mark(self) -> list[Any]:
        return self.pop(len(self.stack) - self.marks.pop())

    def mark(self, _: Any) -> None:
        self.marks.append(len(self.stack))

    def tuple_to_mark(self, _: Any) -> None:
        self.stack.append(tuple(self.pop_to_mark()))

    def name(self, argument: str) -> None:
        module, name = argument.split(" ", 1)
        self.push_name(module, name)

    def stack_name(self, _: Any) -> None:
        self.push_name(*self.pop(2))

    def push_name(self, module: Any, name: Any) -> None:
        full = f"{module}.{name}"
        if full not in ADMITTED:
            raise ValueError(f"it names {full}, which no state dict needs")
        self.stack.append(Name(full))

    def call(self, _: Any) -> None:
        function, arguments = self.pop(2)
        if function == Name(ORDERED_DICT) and arguments == ():
            self.stack.append({})
        elif function == Name(REBUILD_TENSOR):
            self.stack.append(_tensor(*arguments[:4]))
        else:
            raise ValueError(f"it calls {function!r} with {arguments!r}")

    def storage(self, _: Any) -> None:
        (reference,) = self.pop(1)
        match reference:
            case ("storage", Name(name), str(key), _, int(size), *view) if (
                name in DTYPES and size >= 0 and view in ([], [None])
            ):
                self.stack.append(Storage(key, DTYPES[name], size))
            case _:
                raise ValueError(f"it refers to {reference!r}, which is no storage")

    def set_items(self, _: Any) -> None:
        self.fill_dictionary(self.pop_to_mark())

    def set_item(self, _: Any) -> None:
        self.fill_dictionary(self.pop(2))

    def fill_dictionary(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], dict):
            raise TypeError("items are put into something that is no dictionary")
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def append_all(self, _: Any) -> None:
        self.fill_list(self.pop_to_mark())

    def append(self, _: Any) -> None:
        self.fill_list(self.pop(1))

    def fill_list(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise TypeError("items are put into something that is no list")
        self.stack[-1].extend(items)

    def forget_attributes(self, _: Any) -> None:
        # A state dict carries the versions of its modules as an attribute.
        self.pop(1)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> Tensor:
    counts = (offset, *shape, *strides)
    if (
        not isinstance(storage, Storage)
        or not all(map(_is_count, counts))
        or len(shape) != len(strides)
    ):
        raise ValueError(
            f"it makes a tensor of offset {offset!r}, shape {shape!r} and strides {strides!r} "
            f"from {storage!r}"
        )
    return Tensor(storage, offset, tuple(shape), tuple(strides))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 0


CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
}
LITERALS = {
    *("BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
}
TUPLE_LENGTHS = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "TUPLE": _Machine.tuple_to_mark,
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": _Machine.stack_name,
    "REDUCE": _Machine.call,
    "BINPERSID": _Machine.storage,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.append_all,
    "BUILD": _Machine.forget_attributes,
}
