"""Writes HDF5 files: made in memory, so that no full disk meets the HDF5 library, or streamed.

Where a disk ran full while it wrote, the library raised ``RuntimeError`` or ended the process when
the file was closed. Equal contents are equal bytes: no object keeps the time at which it was made.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from .files import file_hash, replacing

_GROWS_BY = 2**22  # bytes of memory that are added at once


@contextmanager
def new_hdf5(
    path: Path, tell: Callable[[str], None] = lambda sha256: None, **options: Any
) -> Iterator[h5py.File]:
    """An empty file to fill, which takes the place of ``path`` when the block ends without error.

    Args:
        path: path of the file to make or to replace; its folder is made if need be.
        tell: is told the SHA-256 of the whole file just before it takes its place.
        options: further options of ``h5py.File``, such as ``libver``.

    Raises:
        OSError: the disk is full, or the place cannot be written to; ``path`` is as it was.
    """
    memory = {"driver": "core", "backing_store": False, "block_size": _GROWS_BY}
    with h5py.File(path.name, "w", **memory, **options) as file:
        yield file
        file.flush()
        image = file.id.get_file_image()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_bytes(image)
        tell(hashlib.sha256(image).hexdigest())


@contextmanager
def streamed_hdf5(
    path: Path, tell: Callable[[str], None] = lambda sha256: None, **options: Any
) -> Iterator[h5py.File]:
    """The same for a file that is too large for memory: it is filled on the disk.

    Args:
        path: path of the file to make or to replace; its folder is made if need be.
        tell: is told the SHA-256 of the whole file just before it takes its place.
        options: further options of ``h5py.File``, such as ``libver``.

    Raises:
        OSError: the disk is full, or the place cannot be written to; ``path`` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        try:
            with h5py.File(partial, "w", **options) as file:
                yield file
        except RuntimeError as error:  # what HDF5 says of a full disk
            raise OSError(errno.ENOSPC, f"it cannot be written ({error})") from error
        tell(file_hash(partial))


def make_groups(file: h5py.File, *names: str) -> None:
    """Makes groups without a time; those that HDF5 makes by itself on the way have one.

    Args:
        file: file in which the groups are made.
        names: paths of the groups; the groups above them are made as well.
    """
    for name in names:
        parts = name.split("/")
        for place in ("/".join(parts[: i + 1]) for i in range(len(parts))):
            if place not in file:
                file.create_group(place)
