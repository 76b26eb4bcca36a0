"""Heaps of text are walked to their end before the HDF5 library sees them."""

from __future__ import annotations

import pytest

from biglittle.bench.hdf5_heaps import HeapError, check_heaps

START = b"\x89HDF\r\n\x1a\n" + bytes([0, 0, 0, 0, 0, 8, 8, 0])


def _heap(*objects: tuple[int, int]) -> bytes:
    """A heap of objects given by index and length."""
    body = b""
    for index, length in objects:
        body += index.to_bytes(2, "little") + bytes(6) + length.to_bytes(8, "little")
        body += bytes(length + -length % 8 if index else max(0, length - 16))
    return b"GCOL\1\0\0\0" + (16 + len(body)).to_bytes(8, "little") + body


def _check(content: bytes) -> None:
    check_heaps(lambda at, n: content[at : at + n], len(content))


def test_whole_heaps_are_passed() -> None:
    _check(START)
    _check(START + _heap((1, 5), (2, 16), (0, 32)) + b"other bytes" + _heap((1, 3)))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "does not begin"),
        (b"GCOL" * 10, "does not begin"),
        (START.replace(bytes([8, 8]), bytes([4, 8])), "not of 8 bytes"),
        (START + _heap((1, 5), (0, 0)), "impossible size"),
    ],
)
def test_a_heap_without_an_end_is_refused(content: bytes, text: str) -> None:
    with pytest.raises(HeapError, match=text):
        _check(content)
