"""Plain tar files, read in one pass and never unpacked by name; and written so that bytes repeat.

Unpacking trusts the names in an archive, and even tarfile's own filters were led out of the folder
by chains of links (CVE-2025-4517); its headers made it loop (CVE-2025-8194) or search without end
(CVE-2024-6232). So here is a reader of headers alone, whose caller decides about every member.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Protocol, cast

from .bounded import LimitError
from .files import replacing

BLOCK = 512
#: Types of a member that is a regular file.
REGULAR = (b"0", b"\0")
#: A header says sizes in eleven octal digits.
MAX_MEMBER_BYTES = 8**11 - 1
_AT_ONCE = 1 << 20


class Readable(Protocol):
    """What gives bytes one after the other."""

    def read(self, size: int, /) -> bytes:
        """At most so many of them; none at the end."""

    def close(self) -> None:
        """Ends reading."""


class TarStream:
    """The bytes of a tar file one after the other, no more than a limit.

    Args:
        file: open file that is read from its place on.
        limit: the most bytes that are read.
    """

    def __init__(self, file: Readable, limit: int) -> None:
        self.file, self.limit = file, limit
        self.left = limit

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes, or none at the end.

        Raises:
            LimitError: there is more than the limit.
            EOFError: there are some, but fewer.
        """
        self.left -= size
        if self.left < 0:
            raise LimitError(f"it expands to more than {self.limit // 2**20} MiB")
        content = self.file.read(size)
        if 0 < len(content) < size:
            raise EOFError("it is cut short")
        return content

    def parts(self, size: int) -> Iterator[bytes]:
        """The next ``size`` bytes in parts of at most a MiB, none of which is empty."""
        for at in range(0, size, _AT_ONCE):
            part = self.read(min(_AT_ONCE, size - at))
            if not part:
                raise EOFError("it is cut short")
            yield part

    def skip(self, size: int) -> None:
        """Passes over ``size`` bytes."""
        for _ in self.parts(size):
            pass


def headers(stream: TarStream, most: int) -> Iterator[tuple[str, bytes, int]]:
    """Name, type and size of every member; its contents are read or skipped in between.

    Args:
        stream: bytes of the file from its start.
        most: the most members that it may have.

    Raises:
        LimitError: it has more members.
        ValueError: a header with another checksum than its bytes, or a number that is not octal.
        EOFError: a header is cut short.
    """
    for _ in range(most):
        header = stream.read(BLOCK)
        if not header.strip(b"\0"):
            return
        total = sum(header[:148]) + 8 * ord(" ") + sum(header[156:])
        if _octal(header[148:156]) != total:
            raise ValueError("a header of it has another checksum than its bytes")
        yield (
            header[:100].split(b"\0")[0].decode("latin1"),
            header[156:157],
            _octal(header[124:136]),
        )
    raise LimitError(f"it has more than {most} members")


def _octal(field: bytes) -> int:
    digits = field.strip(b"\0 ")
    if not digits.isdigit():
        raise ValueError("a header of it has a number that is not octal")
    return int(digits, 8)


def write_tar(path: Path, members: Mapping[str, Path | bytes]) -> str:
    """Writes a plain tar file, whole or not at all; returns its SHA-256.

    Equal members are equal bytes: no time, owner or mode of a file is kept.

    Args:
        path: path of the archive to make or to replace.
        members: files on disk, or contents, by their names; they are written in this order.

    Raises:
        ValueError: a name of more than 100 characters, or a file of 8 GiB or more.
        OSError: a file cannot be read, or the archive not written.
    """
    with replacing(path) as partial:
        with partial.open("wb") as raw:
            file = _Hashed(raw)
            opened = cast(IO[bytes], file)  # tarfile writes and tells, and no more
            with tarfile.open(fileobj=opened, mode="w", format=tarfile.USTAR_FORMAT) as archive:
                for name, content in members.items():
                    _add(archive, name, content)
        return file.digest.hexdigest()


def _add(archive: tarfile.TarFile, name: str, content: Path | bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content) if isinstance(content, bytes) else content.stat().st_size
    if len(name.encode()) > 100 or info.size > MAX_MEMBER_BYTES:
        raise ValueError(f"{name} has a longer name, or is larger, than a tar file can say")
    if isinstance(content, bytes):
        archive.addfile(info, io.BytesIO(content))
        return
    with content.open("rb") as file:
        archive.addfile(info, file)


class _Hashed:
    """What is written to a file, hashed on its way."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def write(self, content: Any) -> int:
        self.digest.update(content)
        return self.file.write(content)

    def tell(self) -> int:
        return self.file.tell()
