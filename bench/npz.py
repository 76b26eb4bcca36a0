"""Reads ``.npy`` and ``.npz`` files that others may have made, against what they ought to hold.

``np.load`` takes memory for what a file declares and decompresses to the end. Here the declared
sizes are held against the file first, nothing but numbers and text is read, and nothing is
decompressed beyond a limit.
"""

from __future__ import annotations

import errno
import io
import math
import struct
import sys
import tokenize
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bounded import LimitError, check_regular

MAX_FILE_BYTES = 2**31
#: What all arrays of an archive may take: this many times the archive, or the floor if it is more.
EXPANSION = 200
FLOOR_BYTES = 64 * 2**20
_MAX_HEADER = 10_000
_FAULTS = (
    *(ValueError, TypeError, LookupError, ArithmeticError, MemoryError, EOFError),
    *(SyntaxError, tokenize.TokenError, RecursionError),  # a header is a Python literal
)
_ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError)


class ArrayFileError(ValueError):
    """A file of arrays that is damaged, too large, or holds other arrays than expected."""


@dataclass(frozen=True)
class Wanted:
    """What is expected of one array.

    Attributes:
        kinds: letters of NumPy's ``dtype.kind`` that are taken, for example "ui".
        shape: a number or a name for each axis; one name means one length in all arrays of a file.
            None takes any shape.
        required: whether a file without it is refused.
    """

    kinds: str
    shape: tuple[str | int, ...] | None
    required: bool = True


def _header(file: Any, kinds: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type that a ``.npy`` file declares; the file stands behind its header.

    Raises:
        ArrayFileError: of another version, or of a kind that is not taken.
    """
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ArrayFileError(f"it is of version {version} of the format, expected 1.0 or 2.0")
    readers = np.lib.format.read_array_header_1_0, np.lib.format.read_array_header_2_0
    shape, fortran, dtype = readers[version[0] - 1](file, max_header_size=_MAX_HEADER)
    if dtype.kind not in kinds or dtype.hasobject or dtype.fields or dtype.subdtype:
        raise ArrayFileError(f"it holds {dtype}, expected one of the kinds {kinds!r}")
    return shape, fortran, dtype


def _check_size(shape: tuple[int, ...], dtype: np.dtype[Any], n_bytes: int) -> None:
    if any(side < 0 for side in shape) or math.prod(shape) * dtype.itemsize != n_bytes:
        raise ArrayFileError(
            f"it declares an array of shape {shape} and type {dtype}, and holds {n_bytes} bytes"
        )


def parse_npy(content: bytes | bytearray, kinds: str = "biuf") -> NDArray[Any]:
    """The array of one ``.npy`` file, a view of ``content``.

    Args:
        content: all bytes of the file.
        kinds: letters of ``dtype.kind`` that are taken.

    Raises:
        ArrayFileError: it is damaged, of another kind, or its size is not the declared one.
    """
    file = io.BytesIO(memoryview(content)[: _MAX_HEADER + 100])
    try:
        shape, fortran, dtype = _header(file, kinds)
        held = len(content) - file.tell()
        _check_size(shape, dtype, held)
        if held == 0:
            return np.zeros(shape, dtype)
        array = np.frombuffer(content, dtype, offset=file.tell())
        _check_values(array)
        return array.reshape(shape, order="F" if fortran else "C")
    except ArrayFileError:
        raise
    except _FAULTS as error:
        raise ArrayFileError(f"it is damaged: {str(error)[:200]}") from error


def _check_values(array: NDArray[Any]) -> None:
    """Bytes that are not a value of their type do harm later: ``np.frombuffer`` takes any."""
    if array.dtype.kind == "b" and array.view(np.uint8).max() > 1:
        raise ArrayFileError("it holds truth values that are neither 0 nor 1")
    if array.dtype.kind == "U" and array.dtype.itemsize:
        codes = array.view(np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
        if codes.max() > sys.maxunicode:
            raise ArrayFileError("it holds text that is not Unicode")


def read_npy(path: Path, kinds: str = "biuf", limit: int = MAX_FILE_BYTES) -> NDArray[Any]:
    """The array of a ``.npy`` file, writable.

    Args:
        path: path of the ``.npy`` file.
        kinds: letters of ``dtype.kind`` that are taken.
        limit: the most bytes that it may have.

    Raises:
        ArrayFileError: it is damaged, too large or of another kind.
        OSError: it cannot be read.
    """
    try:
        content = bytearray(check_regular(path, limit))
    except LimitError as error:
        raise ArrayFileError(str(error)) from error
    with path.open("rb") as file:
        if file.readinto(content) != len(content):
            raise ArrayFileError("it became shorter while it was read")
    return parse_npy(content, kinds)


def map_npy(path: Path, kinds: str = "iuf") -> NDArray[Any]:
    """The array of a ``.npy`` file as it lies on disk: what is not looked at is never read.

    Args:
        path: path of the ``.npy`` file, of any size.
        kinds: letters of ``dtype.kind`` that are taken; not those whose values have to be checked.

    Raises:
        ArrayFileError: it is damaged, of another kind, or its size is not the declared one.
        OSError: it cannot be read.
    """
    try:
        size = check_regular(path, 2**63)
        with path.open("rb") as file:
            shape, fortran, dtype = _header(file, kinds)
            offset = file.tell()
        _check_size(shape, dtype, size - offset)
        if size == offset:
            return np.zeros(shape, dtype)
        order: Any = "F" if fortran else "C"
        return np.memmap(path, dtype, "r", offset, shape, order)
    except LimitError as error:
        raise ArrayFileError(str(error)) from error
    except ArrayFileError:
        raise
    except _FAULTS as error:
        raise ArrayFileError(f"it is damaged: {str(error)[:200]}") from error


def npz_names(path: Path) -> tuple[str, ...]:
    """Names of the arrays in an ``.npz`` file, in its order.

    Raises:
        ArrayFileError: it is damaged or too large.
        OSError: it cannot be read.
    """
    try:
        check_regular(path, MAX_FILE_BYTES)
        with zipfile.ZipFile(path) as archive:
            return tuple(name.removesuffix(".npy") for name in archive.namelist())
    except (LimitError, *_FAULTS, *_ZIP_FAULTS) as error:
        raise ArrayFileError(f"it is damaged or too large: {str(error)[:200]}") from error


def read_npz(
    path: Path, wanted: Mapping[str, Wanted], only: Sequence[str] | None = None
) -> dict[str, NDArray[Any]]:
    """The arrays of an ``.npz`` file by name.

    Args:
        path: path of the ``.npz`` file.
        wanted: what each array ought to be. No other may be there.
        only: names of those to read; None reads all.

    Raises:
        ArrayFileError: it is damaged, expands beyond the limit, or an array is missing, unknown
            or of another kind, rank or length; names which.
        OSError: it cannot be read.
    """
    try:
        size = check_regular(path, MAX_FILE_BYTES)
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            missing = {name for name in wanted if wanted[name].required} - set(members)
            wrong = sorted(missing | (set(members) - set(wanted)))
            if wrong or len(archive.infolist()) != len(members):
                name = wrong[0] if wrong else sorted(members)[0]
                raise ArrayFileError(f"array {name[:80]!r} is missing, unknown or there twice")
            left = max(EXPANSION * size, FLOOR_BYTES)
            arrays = {}
            for name in wanted if only is None else only:
                if name not in members:
                    continue
                content = _member(archive, members[name], left)
                left -= len(content)
                try:
                    arrays[name] = parse_npy(content, wanted[name].kinds)
                except ArrayFileError as error:
                    raise ArrayFileError(f"array {name!r}: {error}") from error
    except ArrayFileError:
        raise
    except (OSError, *_FAULTS, *_ZIP_FAULTS) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # of an impossible offset
            raise
        raise ArrayFileError(f"it is damaged: {str(error)[:200]}") from error
    check_shapes({name: array.shape for name, array in arrays.items()}, wanted)
    return arrays


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytearray:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArrayFileError(
            f"array {info.filename[:80]!r} is compressed in another way than by zlib"
        )
    if info.file_size > limit:
        raise ArrayFileError(
            f"array {info.filename[:80]!r} declares {info.file_size} bytes, more than {EXPANSION} "
            "times the file"
        )
    with archive.open(info) as file:
        content = bytearray(file.read(info.file_size + 1))
    if len(content) != info.file_size:
        raise ArrayFileError(f"array {info.filename[:80]!r} has another size than it declares")
    return content


def check_shapes(shapes: Mapping[str, tuple[int, ...]], wanted: Mapping[str, Wanted]) -> None:
    """Nothing, if every shape has the declared rank, and axes of one name have one length.

    Raises:
        ArrayFileError: names the array, its shape and the expected one.
    """
    lengths: dict[str, int] = {}
    for name, shape in shapes.items():
        axes = wanted[name].shape
        if axes is None:
            continue
        if len(shape) != len(axes):
            raise ArrayFileError(f"array {name!r} has shape {shape}, expected {axes}")
        for axis, length in zip(axes, shape, strict=True):
            expected = axis if isinstance(axis, int) else lengths.setdefault(axis, length)
            if length != expected:
                raise ArrayFileError(
                    f"array {name!r} has shape {shape}, expected {axes} with {axis} = {expected}"
                )
