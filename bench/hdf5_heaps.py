"""Finds heaps of text in an HDF5 file over which the HDF5 library would run without end.

Text of any length, in data sets and attributes, is kept in "global heaps". The library walks one
from object to object by the sizes in it, and a free object of size 0 keeps it at its place for ever
(in HDF5 2.0). So every heap of a file is walked here before the library sees it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_HEAP = b"GCOL\1"  # a heap and its version
_HEADER = 16  # bytes, of a heap and of each of its objects
_BLOCK = 2**24


class HeapError(ValueError):
    """A file whose heaps of text are damaged."""


def check_heaps(path: Path, size: int) -> None:
    """Nothing, if the HDF5 library comes to the end of every heap of a file.

    Args:
        path: the file.
        size: its length in bytes.

    Raises:
        HeapError: it does not, or the file keeps sizes in a way in which this cannot be told.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(16)
        if len(start) < _HEADER or not start.startswith(_SIGNATURE):
            raise HeapError("it does not begin as an HDF5 file does")
        sizes = start[13:15] if start[8] < 2 else start[9:11]
        if sizes != b"\x08\x08":
            raise HeapError("its sizes are not of 8 bytes, as those of all files of this kind are")
        left = size
        for at in _heaps(file):
            file.seek(at + 8)
            length = int.from_bytes(file.read(8), "little")
            if not _HEADER <= length <= size - at:
                continue  # the library refuses it itself
            left -= length
            if left < 0:
                raise HeapError("its heaps of text overlap")
            _walk(file, at + _HEADER, at + length)


def _heaps(file: BinaryIO) -> Iterator[int]:
    """Where heaps may begin: wherever the bytes are that each begins with."""
    at, tail = 0, b""
    file.seek(0)
    while block := file.read(_BLOCK):
        text = tail + block
        first = at - len(tail)
        found = text.find(_HEAP)
        while found >= 0:
            yield first + found
            found = text.find(_HEAP, found + 1)
        at += len(block)
        tail = text[1 - len(_HEAP) :]
        file.seek(at)


def _walk(file: BinaryIO, at: int, end: int) -> None:
    file.seek(at)
    content = file.read(end - at)
    place = 0
    while len(content) - place >= _HEADER:
        index = int.from_bytes(content[place : place + 2], "little")
        length = int.from_bytes(content[place + 8 : place + _HEADER], "little")
        step = _HEADER + length + -length % 8 if index else length
        if not _HEADER <= step <= len(content) - place:
            raise HeapError("a heap of text in it has an object of an impossible size")
        place += step
