"""Finds heaps of text in an HDF5 file over which the HDF5 library would run without end.

Text of any length, in data sets and attributes, is kept in "global heaps". The library walks one
from object to object by the sizes in it, and a free object of size 0 keeps it at its place for ever
(in HDF5 2.0). So every heap of a file is walked here before the library sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_HEAP = b"GCOL\1"  # a heap and its version
_HEADER = 16  # bytes, of a heap and of each of its objects
_BLOCK = 2**24

Reader = Callable[[int, int], bytes]
"""Place and number of bytes to the bytes there."""


class HeapError(ValueError):
    """A file whose heaps of text are damaged."""


def check_heaps(read: Reader, size: int) -> None:
    """Nothing, if the HDF5 library comes to the end of every heap of a file.

    Args:
        read: gives so many bytes from a place in the file on, fewer at its end.
        size: its length in bytes.

    Raises:
        HeapError: it does not, or the file keeps sizes in a way in which this cannot be told.
        OSError: it cannot be read.
    """
    start = read(0, _HEADER)
    if len(start) < _HEADER or not start.startswith(_SIGNATURE):
        raise HeapError("it does not begin as an HDF5 file does")
    sizes = start[13:15] if start[8] < 2 else start[9:11]
    if sizes != b"\x08\x08":
        raise HeapError("its sizes are not of 8 bytes, as those of all files of this kind are")
    left = size
    for at in _heaps(read):
        length = int.from_bytes(read(at + 8, 8), "little")
        if not _HEADER <= length <= size - at:
            continue  # the library refuses it itself
        left -= length
        if left < 0:
            raise HeapError("its heaps of text overlap")
        _walk(read(at + _HEADER, length - _HEADER))


def _heaps(read: Reader) -> Iterator[int]:
    """Where heaps may begin: wherever the bytes are that each begins with."""
    at, tail = 0, b""
    while block := read(at, _BLOCK):
        text = tail + block
        place = text.find(_HEAP)
        while place >= 0:
            yield at - len(tail) + place
            place = text.find(_HEAP, place + 1)
        at += len(block)
        tail = text[1 - len(_HEAP) :]


def _walk(content: bytes) -> None:
    place = 0
    while len(content) - place >= _HEADER:
        index = int.from_bytes(content[place : place + 2], "little")
        length = int.from_bytes(content[place + 8 : place + _HEADER], "little")
        step = _HEADER + length + -length % 8 if index else length
        if not _HEADER <= step <= len(content) - place:
            raise HeapError("a heap of text in it has an object of an impossible size")
        place += step
