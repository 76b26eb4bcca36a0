"""Reads HDF5 files that others may have made, against what they ought to hold.

HDF5 follows links into other files, maps data sets out of them and keeps data in any file that is
named; it takes memory for what is declared and inflates to the end. Here the tree of a file is
walked once, before anything is read: every object is in the file itself and has a declared place,
kind, rank and size, and what is compressed is inflated up to its size and not further. So the
SHA-256 of a file covers all that is read from it.
"""

from __future__ import annotations

import itertools
import math
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from .bounded import check_regular
from .files import why_unreadable
from .hdf5_heaps import check_heaps

#: What all data sets of a file may take: this many times the file, or the floor if it is more.
EXPANSION = 32
FLOOR_BYTES = 64 * 2**20
MAX_FILE_BYTES = 2**40
_MAX_TEXT = 2**20  # bytes of an attribute, or of one entry of a column of text
_MAX_OBJECTS = 100_000
_AT_ONCE = hasattr(h5py.h5d.DatasetID, "chunk_iter")
_VLEN = np.dtype([("length", "<u4"), ("address", "<u8"), ("index", "<u4")])
_FAULTS = (
    *(OSError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError),
    *(RuntimeError, MemoryError, SystemError, zlib.error),
)


class Hdf5Error(ValueError):
    """A file that is damaged, or holds something else than was declared; names the place."""


@dataclass(frozen=True)
class Column:
    """What is expected of a data set.

    Attributes:
        kinds: letters of NumPy's ``dtype.kind`` that are taken; "O" stands for text of any length.
        shape: a number or a name for each axis; one name means one length in the whole file. None
            takes any shape.
        required: whether a file without it is refused.
        itemsize: bytes of an element; None takes any.
    """

    kinds: str
    shape: tuple[str | int, ...] | None
    required: bool = True
    itemsize: int | None = None


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Whatever HDF5 says of damage, as an ``Hdf5Error`` that names the place."""
    try:
        yield
    except Hdf5Error:
        raise
    except _FAULTS as error:
        if why_unreadable(error, "") and not isinstance(error, ValueError):
            raise  # the disk or a lock, and not what the file holds
        text = " ".join(str(error).split())[:300]
        raise Hdf5Error(f"{place!r}: {text or type(error).__name__}") from error


def why_closed(path: Path) -> str:
    """Why the system or another program keeps a file from being opened; "" where nothing does."""
    try:
        h5py.File(path, "r").close()
    except _FAULTS as error:
        return why_unreadable(error, "")
    return ""


class CheckedFile:
    """An HDF5 file whose tree is what was declared.

    Args:
        path: path of the HDF5 file.
        columns: declared columns by the path of a data set, in which ``*`` stands for one name and
            ``**`` for any path. Whatever else is in the file is refused.
        check_root: is told the attributes of the root before anything else is looked at, and raises
            if the file is of another format.

    Raises:
        Hdf5Error: it is damaged or holds something else; names what and where.
        OSError: it cannot be opened.

    Attributes:
        path: path of the HDF5 file.
        size: its length in bytes.
        attributes: numbers and texts by name, by the path of a group or a data set; "" is the root.
        lengths: length of each axis that ``columns`` name.
    """

    def __init__(
        self,
        path: Path,
        columns: Mapping[str, Column],
        check_root: Callable[[Mapping[str, Any]], None] = lambda attributes: None,
    ) -> None:
        self.path = path
        try:
            self.size = check_regular(path, MAX_FILE_BYTES)
        except ValueError as error:
            raise Hdf5Error(str(error)) from error
        self.attributes: dict[str, dict[str, str | int | float]] = {}
        self.lengths: dict[str, int] = {}
        self._left = max(EXPANSION * self.size, FLOOR_BYTES)
        self._columns = [(_pattern(place), column) for place, column in columns.items()]
        self._datasets: dict[str, h5py.Dataset] = {}
        self._chunk_places: dict[str, dict[tuple[int, ...], Any]] = {}
        self._addresses: set[int] = set()
        self._file = h5py.File(path, "r")
        try:
            with _at("/"):
                check_heaps(self._bytes, self.size)
                root = self._file["/"]
                self._visit_once("", root)
            check_root(self.attributes[""])
            self._walk(root)
            for place, column in columns.items():
                if column.required and not any(map(_pattern(place).fullmatch, self._datasets)):
                    raise Hdf5Error(f"{place!r} is missing")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file; nothing can be read from it afterwards."""
        self._datasets.clear()
        self._file.close()

    def __enter__(self) -> CheckedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __contains__(self, place: str) -> bool:
        return place in self._datasets

    def __iter__(self) -> Iterator[str]:
        return iter(self._datasets)

    def names(self, group: str) -> tuple[str, ...]:
        """What is directly in a group, sorted; nothing where there is no such group."""
        prefix = f"{group}/" if group else ""
        places = [*self._datasets, *self.attributes]
        inner = {p[len(prefix) :].split("/")[0] for p in places if p.startswith(prefix)}
        return tuple(sorted(inner - {""}))

    def shape(self, place: str) -> tuple[int, ...]:
        """The shape of a data set."""
        return tuple(self._datasets[place].shape)

    def dtype(self, place: str) -> np.dtype[Any]:
        """The type of a data set's elements."""
        dtype: np.dtype[Any] = self._datasets[place].dtype
        return dtype

    def itemsize(self, place: str) -> int:
        """Bytes of an element of a data set."""
        return self.dtype(place).itemsize

    # ---- the walk ------------------------------------------------------------------------------
    def _walk(self, root: h5py.Group) -> None:
        """Visits everything below the root."""
        waiting = [("", root)]
        while waiting:
            place, group = waiting.pop()
            with _at(place or "/"):
                for name in group:
                    inner = f"{place}/{name}".lstrip("/")
                    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                        raise Hdf5Error(f"{inner!r} is a link to another place or another file")
                    with _at(inner):
                        item = group[name]
                        self._visit_once(inner, item)
                        if isinstance(item, h5py.Group):
                            waiting.append((inner, item))
                        else:
                            self._check_dataset(inner, item)
                            self._datasets[inner] = item

    def _visit_once(self, place: str, item: Any) -> None:
        if not isinstance(item, (h5py.Group, h5py.Dataset)):
            raise Hdf5Error(f"{place!r} is neither a group nor a data set")
        address = int(h5py.h5o.get_info(item.id).addr)
        if address in self._addresses or len(self._addresses) > _MAX_OBJECTS:
            raise Hdf5Error(f"{place!r} is there under two names, or there are too many objects")
        self._addresses.add(address)
        held: dict[str, str | int | float] = {}
        for name in item.attrs:
            kind = item.attrs.get_id(name)
            text = h5py.check_string_dtype(kind.dtype) is not None
            if kind.shape != () or not (text or kind.dtype.kind in "iuf"):
                raise Hdf5Error(f"attribute {name!r} of {place or '/'!r} is not a text or a number")
            if kind.dtype.itemsize > _MAX_TEXT:
                raise Hdf5Error(f"attribute {name!r} of {place or '/'!r} is too long")
            value = item.attrs[name]
            if isinstance(value, h5py.Empty):
                raise Hdf5Error(f"attribute {name!r} of {place or '/'!r} is empty")
            if isinstance(value, bytes):
                value = value.decode()
            held[name] = value if isinstance(value, str) else value.item()
        self.attributes[place] = held

    def _check_dataset(self, place: str, dataset: h5py.Dataset) -> None:
        column = next((c for pattern, c in self._columns if pattern.fullmatch(place)), None)
        if column is None:
            raise Hdf5Error(f"{place!r} is not part of such a file")
        dtype, shape = dataset.dtype, dataset.shape
        kind = dtype.kind
        if (
            kind not in column.kinds
            or column.itemsize not in (None, dtype.itemsize)
            or (kind == "O" and h5py.check_string_dtype(dtype) is None)
        ):
            raise Hdf5Error(f"{place!r} is of type {dtype}, expected one of kind {column.kinds!r}")
        if shape is None or (column.shape is not None and len(shape) != len(column.shape)):
            raise Hdf5Error(f"{place!r} has shape {shape}, expected {column.shape}")
        for axis, length in zip(column.shape or (), shape, strict=False):
            expected = axis if isinstance(axis, int) else self.lengths.setdefault(axis, length)
            if length != expected:
                raise Hdf5Error(
                    f"{place!r} has shape {shape}, expected {column.shape} with {axis} = {expected}"
                )
        declared = math.prod(shape) * (_VLEN.itemsize if kind == "O" else dtype.itemsize)
        self._spend(place, declared)
        self._check_storage(place, dataset, declared)

    def _spend(self, place: str, n_bytes: int) -> None:
        self._left -= n_bytes
        if self._left < 0:
            raise Hdf5Error(
                f"{place!r} would make the file take more than {EXPANSION} times its "
                f"{self.size} bytes in memory"
            )

    def _check_storage(self, place: str, dataset: h5py.Dataset, declared: int) -> None:
        """Nothing, if the bytes are in this file, and as many as are declared."""
        plan = dataset.id.get_create_plist()
        layout = plan.get_layout()
        if plan.get_external_count() or layout == h5py.h5d.VIRTUAL:
            raise Hdf5Error(f"{place!r} keeps its data in another file")
        filters = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
        if layout == h5py.h5d.CHUNKED:
            if filters not in ([], [h5py.h5z.FILTER_DEFLATE]) or dataset.dtype.kind in "Ob":
                raise Hdf5Error(f"{place!r} is stored in another way than plain or by gzip")
            if h5py.h5t.py_create(dataset.dtype) != dataset.id.get_type():
                raise Hdf5Error(f"{place!r} is stored as a type that NumPy does not have")
            if math.prod(dataset.chunks) * dataset.dtype.itemsize > 2 * declared + _MAX_TEXT:
                raise Hdf5Error(f"{place!r} has chunks of {dataset.chunks}, more than it holds")
        elif dataset.id.get_storage_size() != declared or filters:
            raise Hdf5Error(f"{place!r} declares {declared} bytes and has others stored")
        elif layout == h5py.h5d.CONTIGUOUS and declared:
            offset = dataset.id.get_offset()
            if offset is None or offset + declared > self.size:
                raise Hdf5Error(f"{place!r} has its {declared} bytes beyond the end of the file")

    # ---- reading -------------------------------------------------------------------------------
    def read(self, place: str) -> NDArray[Any]:
        """A data set in memory; text of any length as an array of ``str``.

        Raises:
            Hdf5Error: it is damaged or not there; names it.
        """
        with _at(place):
            dataset = self._datasets[place]
            if dataset.dtype.kind == "O":
                self._check_text(place, dataset)
                return np.asarray(dataset.asstr()[()])
            if dataset.chunks is not None:
                return self._chunks(place, dataset)
            array = np.asarray(dataset[()])
            if array.dtype.kind == "b" and array.size and array.view(np.uint8).max() > 1:
                raise Hdf5Error(f"{place!r} holds truth values that are neither 0 nor 1")
            return array

    def _bytes(self, at: int, n_bytes: int) -> bytes:
        """Bytes of the file that the library has open, whatever has taken its name since."""
        blocks, left = [], n_bytes
        while left > 0 and (block := os.pread(self._file.id.get_vfd_handle(), left, at)):
            blocks.append(block)
            at, left = at + len(block), left - len(block)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def _check_text(self, place: str, dataset: h5py.Dataset) -> None:
        """Nothing, if all texts together are no longer than the file: many may be one in it."""
        offset = dataset.id.get_offset()
        if offset is None:
            if dataset.size:
                raise Hdf5Error(f"{place!r} is stored in another way than its writer does")
            return
        raw = self._bytes(offset, math.prod(dataset.shape) * _VLEN.itemsize)
        if int(np.frombuffer(raw, _VLEN)["length"].sum(dtype=np.int64)) > self.size:
            raise Hdf5Error(f"{place!r} declares more text than the file has")

    def _stored(self, place: str, dataset: h5py.Dataset) -> dict[tuple[int, ...], Any]:
        """Where every chunk of a data set lies, by its offset; all are there, and no other."""
        if place not in self._chunk_places:
            stored = stored_chunks(dataset)
            sides = zip(dataset.shape, dataset.chunks, strict=True)
            steps = [range(0, side, step) for side, step in sides]
            places = {tuple(info.chunk_offset): info for info in stored}
            if len(stored) != len(places) or set(places) != set(itertools.product(*steps)):
                raise Hdf5Error(f"{place!r} lacks some of its data, or has more")
            self._chunk_places[place] = places
        return self._chunk_places[place]

    def _inflated(self, place: str, dataset: h5py.Dataset, info: Any) -> NDArray[Any]:
        """The values of one chunk."""
        n_bytes = math.prod(dataset.chunks) * dataset.dtype.itemsize
        if info.filter_mask or info.byte_offset + info.size > self.size:
            raise Hdf5Error(f"{place!r} has a part of {info.size} bytes in another form")
        # read_direct_chunk asks the library twice, and the answers may be of different sizes
        raw = self._bytes(info.byte_offset, info.size)
        if dataset.id.get_create_plist().get_nfilters() == 1:
            inflate = zlib.decompressobj()
            raw = inflate.decompress(raw, n_bytes)
            if not inflate.eof and inflate.decompress(inflate.unconsumed_tail, 1):
                raise Hdf5Error(f"{place!r} expands to more than it declares")
        if len(raw) != n_bytes:
            raise Hdf5Error(f"{place!r} has a part of {len(raw)} bytes, expected {n_bytes}")
        return np.frombuffer(raw, dataset.dtype).reshape(dataset.chunks)

    def read_row(self, place: str, row: int) -> NDArray[Any]:
        """One row of a data set of two axes, and no more of it than the chunk with that row.

        Raises:
            Hdf5Error: it is damaged or not there; names it.
        """
        with _at(place):
            dataset = self._datasets[place]
            if dataset.chunks is None:
                return np.asarray(dataset[row])
            rows, columns = dataset.chunks
            places = self._stored(place, dataset)
            parts = [
                self._inflated(place, dataset, places[row - row % rows, at])[row % rows]
                for at in range(0, dataset.shape[1], columns)
            ]
            whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
            return whole[: dataset.shape[1]]

    def _chunks(self, place: str, dataset: h5py.Dataset) -> NDArray[Any]:
        shape, chunk = dataset.shape, dataset.chunks
        out = np.empty(shape, dataset.dtype)
        for offset, info in self._stored(place, dataset).items():
            values = self._inflated(place, dataset, info)
            target = tuple(slice(at, at + step) for at, step in zip(offset, chunk, strict=True))
            inside = tuple(
                slice(0, min(step, side - at))
                for at, step, side in zip(offset, chunk, shape, strict=True)
            )
            out[target] = values[inside]
        return out


def stored_chunks(dataset: h5py.Dataset, at_once: bool = _AT_ONCE) -> list[Any]:
    """Offset, place, size and filters of every chunk that a data set has stored.

    Args:
        dataset: a data set that is stored in chunks.
        at_once: whether the library lists them in one pass; those before HDF5 1.12.3 look for each.
    """
    if not at_once:
        n_chunks = dataset.id.get_num_chunks()
        return [dataset.id.get_chunk_info(i) for i in range(n_chunks)]
    stored: list[Any] = []
    dataset.id.chunk_iter(stored.append)
    return stored


def _pattern(place: str) -> re.Pattern[str]:
    """A path in which ``*`` stands for one name and ``**`` for one or more."""
    text = re.escape(place).replace(r"\*\*", ".+").replace(r"\*", "[^/]+")
    return re.compile(text, re.DOTALL)
