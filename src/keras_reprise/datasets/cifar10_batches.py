"""CIFAR-10's batch files, which are pickles, read as data: nothing they name is imported or called.

Even an unpickler that knows NumPy's arrays alone crashes on hostile files: NumPy's own constructors trust what they
are given. So the opcodes are read here, those few that the publisher's files hold; the standard library's
`pickletools` parses them.
"""

import pickletools
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from keras_reprise.base.errors import DataError

PIXELS = (3, 32, 32)
NAMES = frozenset(
    {
        "numpy.core.multiarray _reconstruct",
        "numpy._core.multiarray _reconstruct",
        "numpy ndarray",
        "numpy dtype",
        "_codecs encode",  # in files that Python 3 wrote
    }
)
Kind = TypeVar("Kind")
LITERALS = frozenset({"BININT", "BININT1", "BININT2", "SHORT_BINSTRING", "BINSTRING", "BINUNICODE"})
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}


@dataclass(eq=False)
class _Call:
    """What a pickle would call, with what, and the state that the result would be given; it is not called."""

    name: str
    arguments: object
    state: object = None


class _Name(str):
    """A class or function that a pickle names."""


def read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 32, 32, 3) of type uint8 and labels (n,) of type int32; DataError when this is no batch file."""
    content = path.read_bytes()
    try:
        batch = _of(dict, _tree(content))
        images, labels = _array(batch["data"]), batch["labels"]
        if not isinstance(labels, list) or not all(type(label) is int for label in labels):
            raise ValueError("labels are integers")
        images = images.reshape(-1, *PIXELS).transpose(0, 2, 3, 1)
        return images, np.array(labels, dtype=np.int32)
    except DataError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise DataError(
            f"{path} is no batch file of CIFAR-10: {type(error).__name__}.\n"
            "Delete it, and fetch it anew with `reprise data fetch cifar10`."
        ) from error


class _Stack(list[object]):
    """What the opcodes work on."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[int] = []

    def since_mark(self) -> list[object]:
        """What was put here since the last mark, taken away."""
        start = self.marks.pop()
        found = self[start:]
        del self[start:]
        return found

    def last_two(self) -> list[object]:
        last = self.pop()
        return [self.pop(), last]


def _tree(content: bytes) -> object:
    """The dictionaries, lists, texts, numbers and calls of a pickle.

    One case for each opcode that a batch file holds, so that it is longer than other functions.
    """
    stack, memo = _Stack(), dict[object, object]()
    for opcode, argument, _ in pickletools.genops(content):
        match opcode.name:
            case name if name in LITERALS:
                stack.append(argument)
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case name if name in CONSTANTS:
                stack.append(CONSTANTS[name])
            case "MARK":
                stack.marks.append(len(stack))
            case "EMPTY_LIST":
                stack.append([])
            case "APPEND":
                item = stack.pop()
                _of(list, stack[-1]).append(item)
            case "APPENDS":
                items = stack.since_mark()
                _of(list, stack[-1]).extend(items)
            case "EMPTY_DICT":
                stack.append({})
            case "SETITEM" | "SETITEMS":
                items = stack.since_mark() if opcode.name == "SETITEMS" else stack.last_two()
                keys = [_text(key) for key in items[::2]]
                _of(dict, stack[-1]).update(zip(keys, items[1::2], strict=True))
            case "TUPLE":
                stack.append(tuple(stack.since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                size = int(opcode.name[-1])
                stack[-size:] = [tuple(stack[-size:])]
            case "GLOBAL":
                stack.append(_named(str(argument)))
            case "REDUCE":
                arguments = stack.pop()
                stack.append(_Call(_of(_Name, stack.pop()), arguments))
            case "BUILD":
                state = stack.pop()
                _of(_Call, stack[-1]).state = state
            case "PROTO" | "STOP":
                pass
            case name:
                raise ValueError(f"{name} is in no batch file")
    (tree,) = stack
    return tree


def _named(argument: str) -> _Name:
    """What a pickle names, as `module name`; DataError for what no array needs."""
    if argument not in NAMES:
        named = ".".join(argument.split(" "))
        raise DataError(f"A CIFAR-10 batch file asks for {named}, which image data does not need.\nIt was not loaded.")
    return _Name(argument)


def _of(kind: type[Kind], value: object) -> Kind:
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} where {kind.__name__} belongs")
    return value


def _text(value: object) -> str:
    """A text of Python 2, or the bytes of Python 3, which are pickled as the call that encodes a text."""
    if isinstance(value, _Call) and value.name == "_codecs encode":
        value = _of(tuple, value.arguments)[0]
    return _of(str, value)


def _array(made: object) -> np.ndarray:
    """The array of bytes that NumPy would restore from this state."""
    call = _of(_Call, made)
    _, shape, dtype, fortran, raw = _of(tuple, call.state)
    kind = _of(_Call, dtype)
    if not call.name.endswith("_reconstruct") or kind.name != "numpy dtype" or _of(tuple, kind.arguments)[0] != "u1":
        raise ValueError("no array of bytes")
    return np.frombuffer(_text(raw).encode("latin-1"), np.uint8).reshape(shape, order="F" if fortran else "C")
