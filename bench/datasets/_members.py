"""The files of a data set, from a folder or out of an archive that is never unpacked.

The published archives are plain tar, which ``bench/tar.py`` reads in one pass: members of the
expected names come into memory and everything else is passed over.
"""

from __future__ import annotations

import base64
import errno
import gzip
import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ..bounded import LimitError, check_regular, read_bounded
from ..tar import BLOCK, REGULAR, TarStream, headers

MAX_ARCHIVE_BYTES = 2**29
MAX_UNPACKED_BYTES = 2**28  # the largest published one has 187 MB of batches
MAX_MEMBERS = 1000


class Members(Protocol):
    """Files by name, below one folder."""

    def has(self, name: str) -> bool:
        """Whether there is such a file."""

    def read(self, name: str, limit: int) -> bytes:
        """All bytes of a file that has no more than ``limit``."""

    def where(self, name: str) -> str:
        """What a message calls a file."""

    def within(self, folder: str) -> Members:
        """The files of a folder among these."""


class Folder:
    """Files on disk.

    Args:
        path: path of the folder on disk.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return (self.path / name).exists()

    def read(self, name: str, limit: int) -> bytes:
        """All bytes of a file.

        Raises:
            LimitError: it has more than ``limit`` bytes or is not a regular file; names it.
            OSError: it cannot be read.
        """
        try:
            return read_bounded(self.path / name, limit)
        except LimitError as error:
            raise LimitError(f"{name}: {error}") from error

    def where(self, name: str) -> str:
        """The path of a file."""
        return str(self.path / name)

    def within(self, folder: str) -> Folder:
        """The files of a folder in this one."""
        return Folder(self.path / folder)


class Archive:
    """Files out of a gzipped tar archive, in memory.

    Args:
        path: path of the archive on disk.
        limits: the most bytes of each member that is read; no other one is.
        published: the archive's own hash, "md5-" and hexadecimal digits or "sha512-" and base64;
            None where there is none. It is compared before the archive is opened.

    Raises:
        LimitError: another hash, or more or larger members than there may be.
        OSError: it is damaged or cannot be read.
    """

    def __init__(self, path: Path, limits: Mapping[str, int], published: str | None) -> None:
        self.path = path
        self.folder = ""
        check_regular(path, MAX_ARCHIVE_BYTES)
        if published is not None:
            _check_hash(path, published)
        self.members = _read_members(path, limits)

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return self.folder + name in self.members

    def read(self, name: str, limit: int) -> bytes:
        """All bytes of a file, which were limited when the archive was read.

        Raises:
            FileNotFoundError: the archive has no such file.
        """
        if not self.has(name):
            raise FileNotFoundError(errno.ENOENT, "not in the archive", self.folder + name)
        return self.members[self.folder + name]

    def where(self, name: str) -> str:
        """The path of the archive and the name of a file in it."""
        return f"{self.path}: {self.folder}{name}" if name else str(self.path)

    def within(self, folder: str) -> Archive:
        """The files of a folder of this archive."""
        inner = object.__new__(Archive)
        inner.path, inner.members = self.path, self.members
        inner.folder = f"{folder}/" if folder else ""
        return inner


def _check_hash(path: Path, published: str) -> None:
    algorithm, _, expected = published.partition("-")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    got = digest.hexdigest() if algorithm == "md5" else base64.b64encode(digest.digest()).decode()
    if got != expected:
        raise LimitError(
            f"its {algorithm} is {got[:12]}..., published is {expected[:12]}...; an archive that "
            "you packed yourself is read under another name"
        )


def _read_members(path: Path, limits: Mapping[str, int]) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    unpacked = TarStream(gzip.open(path), MAX_UNPACKED_BYTES)
    try:
        for name, kind, size in headers(unpacked, MAX_MEMBERS):
            name = name.removeprefix("./")
            if name not in limits or kind not in REGULAR:
                unpacked.skip(size + -size % BLOCK)
                continue
            if size > limits[name] or name in members:
                raise LimitError(
                    f"its member {name} is there twice or declares {size} bytes, expected at most "
                    f"{limits[name]}"
                )
            members[name] = unpacked.read(size)
            if len(members[name]) != size:
                raise EOFError("it is cut short")
            unpacked.skip(-size % BLOCK)
    except LimitError:
        raise
    except (EOFError, ValueError, zlib.error) as error:
        raise OSError(f"it is not a gzipped tar archive, or is damaged: {error}") from error
    finally:
        unpacked.file.close()
    return members
