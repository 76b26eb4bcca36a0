"""Pickles: those of both NumPys and of Python 2 are read, hostile ones are refused by name."""

from __future__ import annotations

import collections
import json
import pickle
import pickletools
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench.pickled import PickleError, RefusedPickleError, load_plain

PLAIN: dict[str, Any] = {
    "numbers": [1, -1, 300, 70_000, 2**40, -(2**63), 1.5, True, None],
    "text": ["a", "é" * 300, b"", b"bytes", b"\xff" * 300],
    "nested": {"tuple": (1, (2, "b"), [3]), "again": [(), (1, 2, 3, 4)]},
    "scalars": [np.float64(2.5), np.int32(7), np.float32(0.5), np.bool_(True)],
    "ordered": collections.OrderedDict(a=1, b=2),
}
ARRAYS: dict[str, np.ndarray] = {
    name: np.arange(12).reshape(3, 4).astype(name)
    for name in ("u1", "i2", "i4", "i8", "f2", "f4", "f8", ">f8", ">i4")
} | {
    "bool": np.array([True, False]),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(10)[::3],
    "empty": np.zeros((0, 3)),
    "none": np.array(3.5),
}


def same(got: Any, expected: Any) -> None:
    if isinstance(expected, np.ndarray):
        assert isinstance(got, np.ndarray)
        assert got.dtype.str == expected.dtype.str
        assert np.array_equal(got, expected)
    elif isinstance(expected, dict):
        assert list(got) == list(expected)
        for key in expected:
            same(got[key], expected[key])
    else:
        assert got == expected


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("numpy1", [False, True])
def test_what_is_plain_is_read_in_every_protocol(protocol: int, numpy1: bool) -> None:
    content = pickle.dumps({**PLAIN, **ARRAYS}, protocol)
    if numpy1:  # which called the module by another name
        pieces = content.replace(b"numpy._core.", b"numpy.core.")
        pieces = pieces.replace(b"\x8c\x16numpy.core", b"\x8c\x15numpy.core")  # multiarray
        content = pieces.replace(b"\x8c\x13numpy.core", b"\x8c\x12numpy.core")  # numeric
        if protocol >= 4:  # names became shorter than their frames say
            content = b"".join(c for name, c in opcodes(content) if name != "FRAME")
    same(load_plain(content), {**PLAIN, **ARRAYS})


def opcodes(content: bytes) -> list[tuple[str, bytes]]:
    """The instructions of a pickle, each with its bytes."""
    steps = list(pickletools.genops(content))
    ends = [position for _, _, position in steps[1:]] + [len(content)]
    return [
        (opcode.name, content[start:end])
        for (opcode, _, start), end in zip(steps, ends, strict=True)
    ]


def python2_batch(pixels: np.ndarray, labels: list[int]) -> bytes:
    """A batch of CIFAR-10 as Python 2 and its NumPy wrote it, with byte strings by protocol 2."""

    def text(value: bytes) -> bytes:
        head = (
            b"U" + bytes([len(value)]) if len(value) < 256 else b"T" + struct.pack("<I", len(value))
        )
        return head + value

    shape = b"".join(b"M" + struct.pack("<H", side) for side in pixels.shape) + b"\x86"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85q\x03"
        + text(b"b") + b"\x87q\x04Rq\x05(K\x01" + shape
        + b"cnumpy\ndtype\nq\x06" + text(b"u1") + b"K\x00K\x01\x87q\x07Rq\x08(K\x03"
        + text(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + text(pixels.tobytes()) + b"tb"
    )  # fmt: skip
    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    return (
        b"\x80\x02}q\x00(" + text(b"batch_label") + text(b"training batch 1 of 5")
        + text(b"labels") + b"](" + numbers + b"e" + text(b"data") + array + b"u."
    )  # fmt: skip


def test_what_python_2_wrote_is_read() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3072), np.uint8)
    content = python2_batch(pixels, [3, 1, 4, 1])
    assert pickle.loads(content, encoding="bytes")[b"labels"] == [3, 1, 4, 1]
    batch = load_plain(content, encoding="bytes")
    assert batch[b"batch_label"] == b"training batch 1 of 5"
    same(batch[b"data"], pixels)
    same(load_plain(content)["data"], pixels)


# ---- hostile ones --------------------------------------------------------------------------------
class Calls:
    """Pickles as a call."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None) -> None:
        self.call = (function, arguments, state)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call if self.call[2] is not None else self.call[:2]


RECONSTRUCT = np.zeros(0).__reduce__()[0]
OBJECTS = Calls(np.dtype, "u8", False, True, state=(3, "|", None, None, None, -1, -1, 63))
REFUSED: dict[str, tuple[Any, str]] = {
    "code": (Calls(eval, "1 + 1"), r"asks for (builtins|__builtin__)\.eval"),
    "class": (Path("x"), r"asks for "),
    "object dtype": (np.array([1, "a", None], object), "type 'O8'"),
    "text": (np.array(["a"]), "type 'U1'"),
    "fields": (np.zeros(1, [("a", "u1")]), "type 'V1'"),
    "dtype of objects": (
        Calls(RECONSTRUCT, np.ndarray, (0,), b"b", state=(1, (1,), OBJECTS, False, b"\1" * 8)),
        "sets the type of an array",
    ),
    "dtype as a value": ([np.dtype("u1")], "outside of an array"),
    "array made of a list": (
        Calls(RECONSTRUCT, np.ndarray, (0,), b"b", state=(1, (1,), np.dtype("u1"), False, [1])),
        "made of list",
    ),
    "the class of arrays": (Calls(np.ndarray, (1 << 34,)), r"numpy\.ndarray itself"),
    "a set": ({1, 2}, "EMPTY_SET|asks for"),
    "a large number": (1 << 100, "more than 64 bits"),
    "a key": ({(1, 2): 3}, "a key of tuple"),
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_by_name(name: str, protocol: int) -> None:
    content, text = REFUSED[name]
    with pytest.raises(RefusedPickleError, match=text):
        load_plain(pickle.dumps({"a": content}, protocol))


def array_of(shape: bytes, content: bytes) -> bytes:
    return (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
        + shape + b"cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff"
        b"\xff\xffK\x00tb\x89" + content + b"tb."
    )  # fmt: skip


def bombs() -> dict[str, bytes]:
    """Small files that take much memory, time or stack where nobody counts."""
    many = 50_000
    doubled = b"]q\x00" + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) for i in range(200))
    block = b"X" + struct.pack("<I", 10**6) + b"a" * 10**6  # encoded, it would be 50 GB
    encode = b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"
    return {
        "16 GiB declared": array_of(b"\x8a\x05\0\0\0\x80\0\x85", b"U\x00"),
        "negative side": array_of(b"J\xff\xff\xff\xff\x85", b"U\x00"),
        "sides that overflow": array_of(b"\x8a\x08" + b"\xff" * 7 + b"\x7f\x85", b"U\x00"),
        "many sides": array_of(b"(" + b"K\x00" * 100 + b"t", b"U\x00"),
        "frame of 2^60": b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"N.",
        "bytes of 2^60": b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b"a.",
        "text of 2^31": b"X" + struct.pack("<I", 2**31) + b"a.",
        "long number": b"L" + b"9" * 1_000_000 + b"L\n.",
        "nested lists": b"]" * many + b"a" * (many - 1) + b".",
        "nested tuples": b")" + b"\x85" * many + b".",
        "doubled lists": b"\x80\x02" + doubled + b".",
        "a list in itself": b"]q\x00h\x00a.",
        "encoded again and again": b"\x80\x02" + block + b"q\x00](" + encode * many + b"e.",
        "memo at 2^31": b"Nr\xff\xff\xff\xff.",
        "many marks": b"(" * many + b".",
        "no end": b"N" * many,
    }


def test_sizes_are_checked_before_memory_is_taken(
    tmp_path: Path, in_a_cell: Callable[..., str]
) -> None:
    files = bombs()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        batch = b"}(C\x04data" + array_of(b"K\x00\x85", b"U\x00")[2:-1] + b"C\x06labels"
        (tmp_path / f"{name} as labels").write_bytes(batch + content[:-1] + b"u.")
    code = """
import json, resource, sys
from pathlib import Path
from biglittle.bench.datasets import cifar10
from biglittle.bench.datasets._members import Folder
from biglittle.bench.errors import BigLittleError
from biglittle.data_tables.devices.hw_nas_bench import make_profile
cifar10._BATCHES, cifar10._BATCH = ("x",), 0
class One(Folder):
    def read(self, name, limit):
        return self.path.read_bytes()
out = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    for read in (lambda: make_profile(path, "edgegpu"), lambda: cifar10._read_pickled(One(path))):
        try:
            read()
        except BigLittleError as error:
            out[path.name] = str(error)
print(json.dumps(out))
"""
    told = json.loads(in_a_cell(code, tmp_path, memory_mib=1000))
    assert set(told) == {path.name for path in tmp_path.iterdir()}


def hostile_pieces() -> list[bytes]:
    """Instructions that a file of arrays does not have."""
    contents = [pickle.dumps(what, p) for what, _ in REFUSED.values() for p in (0, 2, 4, 5)]
    pieces = [piece for content in contents for _, piece in opcodes(content)]
    return [*pieces, b"\x81", b"\x92", b"o", b"ios\nsystem\n", b"Q", b"\x82\x01", b"\x97", b"\x98"]


def test_a_corpus_of_damaged_pickles(count: Callable[[int], int], mutations: Any) -> None:
    wholes = [pickle.dumps({**PLAIN, **ARRAYS}, p) for p in range(6)]
    wholes.append(python2_batch(np.zeros((2, 3072), np.uint8), [3, 1]))
    pool, outcomes = hostile_pieces(), collections.Counter[str]()

    def read(content: bytes) -> None:
        for encoding in ("latin1", "bytes"):
            told, outcome = "", "read"
            try:
                load_plain(content, encoding)
            except PickleError as error:
                told, outcome = str(error), type(error).__name__
            assert len(told) < 500
            outcomes[outcome] += 1

    for whole in wholes:
        for content in mutations(whole, 60):
            read(content)
    for seed in range(count(400)):  # whole instructions, moved, left out or brought in
        rng = np.random.default_rng(seed)
        pieces = [piece for _, piece in opcodes(wholes[seed % len(wholes)])]
        for _ in range(int(rng.integers(1, 4))):
            at, other = (int(rng.integers(0, len(pieces))) for _ in range(2))
            match int(rng.integers(0, 4)):
                case 0:
                    del pieces[at]
                case 1:
                    pieces[at], pieces[other] = pieces[other], pieces[at]
                case 2:
                    pieces.insert(at, pieces[other])
                case _:
                    pieces[at] = pool[int(rng.integers(0, len(pool)))]
        read(b"".join(pieces))
    print(dict(outcomes))
    assert min(outcomes[name] for name in ("read", "PickleError", "RefusedPickleError")) > 0
