"""Reads pickles of plain values and arrays without the module ``pickle``.

An unpickler builds whatever a file names. Allowing NumPy's own ``dtype`` is already too much: its
state comes from the file, and a dtype of objects whose flags are cleared turns the bytes behind it
into pointers. So nothing of NumPy is built here from a file's instructions. The machine below knows
containers, numbers, strings and bytes, and *describes* an array by the name of a plain numeric
type, a shape and bytes. ``np.frombuffer`` makes it, after the sizes were held against each other.
"""

from __future__ import annotations

import math
import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Types an array may have, by the name that a pickle gives them.
_NUMERIC = {
    *("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"),
}
_MAX_OPCODES = 12_000_000  # HW-NAS-Bench has some 5 million at the most
_MAX_DIMENSIONS = 32
_MAX_USES_OF_BYTES = 4  # bytes of arrays and encoded text, as a multiple of the file's length
_INT64 = 2**63
_FAULTS = (
    *(ValueError, TypeError, AttributeError, LookupError, ArithmeticError),
    *(struct.error, MemoryError),
)


class PickleError(ValueError):
    """A pickle that is damaged."""


class RefusedPickleError(PickleError):
    """A pickle that asks for more than plain values and arrays."""


@dataclass(frozen=True)
class _Name:
    """What a pickle asks for by name, one of ``_KNOWN``."""

    module: str
    name: str


@dataclass
class _Type:
    """The description of a type of numbers."""

    name: str
    order: str = "="

    def built(self) -> np.dtype[Any]:
        return np.dtype(self.order.replace("|", "=") + self.name)


class _Blank:
    """An array before its state has come, and the array afterwards."""

    array: Any = None


class _Parts(tuple[Any, ...]):
    """A tuple with parts of arrays in it: arguments of a call, never a value."""


class _Mark:
    """The start of several items on the stack."""


_MARK = _Mark()


def load_plain(content: bytes, encoding: str = "latin1") -> Any:
    """What a pickle of plain values and arrays holds.

    Args:
        content: bytes of the file. Arrays are views of it or of parts of it, read-only.
        encoding: "latin1" gives byte strings of Python 2 as text, "bytes" gives them as bytes.

    Returns:
        Dictionaries, lists, tuples, numbers, text, bytes and arrays of numbers. A list may be
        found in several places, or contain itself: check the type of everything that is used.

    Raises:
        RefusedPickleError: it asks for anything else, and names what.
        PickleError: it is damaged, or sizes in it do not fit the file.

    >>> import pickle
    >>> load_plain(pickle.dumps({"a": [1, 2.5], "b": np.arange(3)}))
    {'a': [1, 2.5], 'b': array([0, 1, 2])}
    """
    machine = _Machine(len(content), encoding)
    try:
        for count, (opcode, argument, position) in enumerate(pickletools.genops(content)):
            if count > _MAX_OPCODES:
                raise PickleError(f"it has more than {_MAX_OPCODES} instructions")
            if opcode.name == "STOP":
                return machine.value(machine.stack.pop())
            machine.step(opcode.name, argument, position or 0)
    except PickleError:
        raise
    except _FAULTS as error:
        raise PickleError(f"it is damaged: {str(error)[:200]}") from error
    raise PickleError("it is damaged: it has no end")


class _Machine:
    """The stack and the memo that the instructions of a pickle work on."""

    def __init__(self, size: int, encoding: str) -> None:
        self.size = size
        self.bytes_left = _MAX_USES_OF_BYTES * size
        self.python2_text = (lambda b: b.decode("latin1")) if encoding == "latin1" else bytes
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    # ---- values --------------------------------------------------------------------------------
    def value(self, item: Any) -> Any:
        """What a container may hold: an array for its description, no part of an array alone."""
        if isinstance(item, _Blank):
            if item.array is None:
                raise PickleError("it is damaged: an array without its contents")
            return item.array
        if isinstance(item, (_Name, _Type, _Parts, _Mark)):
            raise RefusedPickleError(f"it holds {_shown(item)} outside of an array")
        return item

    def tuple_of(self, items: list[Any]) -> tuple[Any, ...]:
        settled = [item if isinstance(item, _PARTS) else self.value(item) for item in items]
        return (_Parts if any(isinstance(item, _PARTS) for item in settled) else tuple)(settled)

    def since_mark(self) -> list[Any]:
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise PickleError("it is damaged: no mark")
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def fill(self, target: Any, items: list[Any]) -> None:
        if not isinstance(target, dict):
            raise PickleError(f"it is damaged: items for {type(target).__name__}")
        for key, item in zip(items[::2], items[1::2], strict=True):
            if type(key) not in (str, bytes, int):
                raise RefusedPickleError(f"it has a key of {type(key).__name__}")
            target[key] = self.value(item)

    def spend(self, n_bytes: int) -> None:
        """Counts bytes that are made from what the file holds once."""
        self.bytes_left -= n_bytes
        if self.bytes_left < 0:
            raise PickleError("it is damaged: it uses the same bytes again and again")

    def as_bytes(self, item: Any) -> bytes:
        if isinstance(item, str):  # of Python 2
            self.spend(len(item))
            return item.encode("latin1")
        if not isinstance(item, (bytes, bytearray)):
            raise RefusedPickleError(f"it has an array made of {type(item).__name__}, not of bytes")
        return bytes(item) if isinstance(item, bytearray) else item

    # ---- arrays --------------------------------------------------------------------------------
    def array(self, kind: Any, shape: Any, order: str, content: Any) -> Any:
        if not isinstance(kind, _Type):
            raise RefusedPickleError("it has an array without a type of numbers")
        if type(shape) is not tuple or len(shape) > _MAX_DIMENSIONS:
            raise PickleError("it is damaged: an array without a shape")
        if not all(type(side) is int and 0 <= side < _INT64 for side in shape):
            raise PickleError("it is damaged: an array with an impossible shape")
        dtype, held = kind.built(), self.as_bytes(content)
        if math.prod(shape) * dtype.itemsize != len(held):
            raise PickleError(
                f"it is damaged: an array of shape {_shown(shape)} and type {kind.name} with "
                f"{len(held)} bytes"
            )
        self.spend(len(held))
        if kind.name == "b1" and held.strip(b"\0\1"):
            raise PickleError("it is damaged: truth values that are neither 0 nor 1")
        return np.frombuffer(held, dtype).reshape(shape, order="F" if order == "F" else "C")

    def call(self, name: Any, arguments: Any) -> Any:
        if not isinstance(name, _Name):
            raise RefusedPickleError(f"it calls {_shown(name)}")
        if not isinstance(arguments, tuple):
            raise PickleError("it is damaged: a call without arguments")
        return _KNOWN[name.module, name.name](self, *arguments)

    def set_state(self, target: Any, state: Any) -> None:
        if isinstance(target, _Type) and isinstance(state, tuple):
            order = _text(state[1])
            plain = (3, order, None, None, None, -1, -1, 0)
            if order not in ("<", ">", "|", "=") or (state[0], order, *state[2:]) != plain:
                raise RefusedPickleError(
                    f"it sets the type of an array to {_shown(state)}, expected {plain}"
                )
            target.order = order
        elif isinstance(target, _Blank) and isinstance(state, tuple):
            _, shape, kind, fortran, content = state
            if target.array is not None:
                raise RefusedPickleError("it sets the contents of an array twice")
            target.array = self.array(kind, shape, "F" if fortran else "C", content)
        else:
            raise RefusedPickleError(f"it sets the state of {_shown(target)}")

    # ---- instructions --------------------------------------------------------------------------
    def step(self, name: str, argument: Any, position: int) -> None:
        """Does one instruction, of which ``pickletools`` says the name and the argument."""
        stack = self.stack
        if name in _PUSHES:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name]())
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self.memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self.memo[argument])
        elif name in _INTEGERS:
            if not -_INT64 <= argument < 2 * _INT64:
                raise RefusedPickleError("it has a number of more than 64 bits")
            stack.append(argument)
        elif name in ("STRING", "BINSTRING", "SHORT_BINSTRING"):
            stack.append(self.python2_text(argument.encode("latin1")))
        elif name == "APPEND":
            item = stack.pop()
            self.extend(stack[-1], [item])
        elif name == "APPENDS":
            items = self.since_mark()
            self.extend(stack[-1], items)
        elif name == "SETITEM":
            items = [stack.pop(), stack.pop()][::-1]
            self.fill(stack[-1], items)
        elif name == "SETITEMS":
            items = self.since_mark()
            self.fill(stack[-1], items)
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            n = int(name[-1])
            if len(stack) < n:
                raise PickleError("it is damaged: a tuple of nothing")
            stack[-n:] = [self.tuple_of(stack[-n:])]
        else:
            self.rare(name, argument, position)

    def rare(self, name: str, argument: Any, position: int) -> None:
        """Does an instruction of which a file has few."""
        stack = self.stack
        if name in ("GLOBAL", "STACK_GLOBAL"):
            if name == "GLOBAL":
                module, _, attribute = argument.partition(" ")
            else:
                attribute, module = _text(stack.pop()), _text(stack.pop())
            if (module, attribute) not in _KNOWN:
                wanted = _shown(f"{module}.{attribute}").strip("'")
                raise RefusedPickleError(f"it asks for {wanted}, which no array needs")
            stack.append(_Name(module, attribute))
        elif name == "REDUCE":
            arguments = stack.pop()
            stack[-1] = self.call(stack[-1], arguments)
        elif name == "BUILD":
            state = stack.pop()
            self.set_state(stack[-1], state)
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "POP":
            stack.pop()
        elif name == "POP_MARK":
            self.since_mark()
        elif name == "DUP":
            stack.append(stack[-1])
        elif name == "TUPLE":
            stack.append(self.tuple_of(self.since_mark()))
        elif name == "LIST":
            items = self.since_mark()
            stack.append([])
            self.extend(stack[-1], items)
        elif name == "DICT":
            items = self.since_mark()
            stack.append({})
            self.fill(stack[-1], items)
        elif name == "PROTO":
            if argument > 5:
                raise PickleError(f"it is of protocol {argument}, expected at most 5")
        elif name == "FRAME":
            if argument > self.size - position:
                raise PickleError(f"it is damaged: a frame of {argument} bytes in {self.size}")
        else:
            raise RefusedPickleError(f"it has the instruction {name}, which no array needs")

    def extend(self, target: Any, items: list[Any]) -> None:
        if not isinstance(target, list):
            raise PickleError(f"it is damaged: items for {type(target).__name__}")
        target.extend([self.value(item) for item in items])


# ---- what may be called --------------------------------------------------------------------------
def _reconstruct(machine: _Machine, kind: Any, shape: Any, letter: Any) -> _Blank:
    if kind != _Name("numpy", "ndarray"):
        raise RefusedPickleError(f"it makes an array of class {_shown(kind)}")
    return _Blank()


def _dtype(machine: _Machine, name: Any, align: Any = False, copy: Any = True) -> _Type:
    text = _text(name)
    if text not in _NUMERIC:
        raise RefusedPickleError(f"it has an array of type {_shown(text)}, which is not of numbers")
    return _Type(text)


def _frombuffer(machine: _Machine, content: Any, kind: Any, shape: Any, order: Any) -> Any:
    blank = _Blank()
    blank.array = machine.array(kind, shape, _text(order), content)
    return blank


def _scalar(machine: _Machine, kind: Any, content: Any = b"") -> Any:
    return machine.array(kind, (), "C", content)[()].item()


def _encode(machine: _Machine, text: Any, encoding: Any) -> bytes:
    """How Python 3 writes byte strings into a protocol that has none; Latin-1 alone."""
    if _text(encoding) != "latin1":
        raise RefusedPickleError(f"it has text in {_shown(encoding)} instead of latin1")
    machine.spend(len(text))
    return _text(text).encode("latin1")


def _no_bytes(machine: _Machine) -> bytes:
    return b""


def _ordered(machine: _Machine, pairs: Any = ()) -> dict[Any, Any]:
    out: dict[Any, Any] = {}
    for key, item in pairs:
        machine.fill(out, [key, item])
    return out


def _array_class(machine: _Machine, *arguments: Any) -> Any:
    raise RefusedPickleError("it calls numpy.ndarray itself")


_KNOWN: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _array_class,
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): _no_bytes,
    ("builtins", "bytes"): _no_bytes,
    ("collections", "OrderedDict"): _ordered,
}
for _core in ("numpy.core", "numpy._core"):  # NumPy 1 and NumPy 2
    _KNOWN[f"{_core}.multiarray", "_reconstruct"] = _reconstruct
    _KNOWN[f"{_core}.multiarray", "scalar"] = _scalar
    _KNOWN[f"{_core}.numeric", "_frombuffer"] = _frombuffer

_PARTS = (_Name, _Type, _Parts)
_INTEGERS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"}
_PUSHES = {
    *("FLOAT", "BINFLOAT", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
}


def _text(item: Any) -> str:
    """Text that names something; Python 2 wrote it as bytes."""
    if isinstance(item, bytes) and len(item) < 1000:
        return item.decode("latin1")
    if not isinstance(item, str):
        raise PickleError(f"it is damaged: {type(item).__name__} in the place of a name")
    return item


def _shown(item: Any) -> str:
    """Short text for a message; a container that contains itself does no harm."""
    if isinstance(item, _Name):
        return f"{item.module}.{item.name}"
    if isinstance(item, tuple):
        shown = [repr(i) if isinstance(i, (int, str)) else type(i).__name__ for i in item[:9]]
        text = f"({', '.join(shown)})"
    else:
        text = repr(item) if isinstance(item, (int, str, bytes)) else type(item).__name__
    return text if len(text) <= 80 else text[:77] + "..."
