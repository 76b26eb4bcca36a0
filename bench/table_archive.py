"""Archives of a table: what is in one, and how a reader takes it out without trusting it.

An archive is a plain tar file. Its first member, ``archive.json``, names every other one with its
size and SHA-256, in the order in which they follow; whatever else is in it, or differs from that,
is refused. So the SHA-256 of the archive covers all that is read of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct

from .bounded import LimitError, check_regular
from .documents import DocumentError, Line, Sha256, parse_json
from .errors import TableError
from .files import file_hash, why_unreadable
from .hdf5 import MAX_FILE_BYTES
from .locks import holding
from .tar import BLOCK, REGULAR, TarStream, headers

if TYPE_CHECKING:
    from .download import Progress

CONTENTS = "archive.json"
TABLE, MANIFEST = "table.h5", "table.json"
FORMAT, VERSION = "biglittle-table-archive", 1
MAX_CONTENTS = 2**20  # bytes of archive.json
MAX_MEMBERS = 1000
#: A file, or one in a folder; no name starts with a dot, and none leads elsewhere.
NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_FRAGMENT = "#sha256="


class Member(Struct):
    """A file of an archive."""

    bytes: Annotated[int, Meta(ge=0)]
    sha256: Sha256


class Contents(Struct):
    """What ``archive.json`` says."""

    format: Literal["biglittle-table-archive"]
    version: int
    name: Line
    files: dict[str, Member]


def contents_json(name: str, files: dict[str, Member]) -> bytes:
    """The bytes of ``archive.json``.

    Args:
        name: name of the table.
        files: members of the archive in their order.
    """
    document = {
        "format": FORMAT,
        "version": VERSION,
        "name": name,
        "files": {n: {"bytes": m.bytes, "sha256": m.sha256} for n, m in files.items()},
    }
    return (json.dumps(document, indent=1) + "\n").encode()


# ---- names and addresses -----------------------------------------------------------------------
def is_address(name: str | Path) -> bool:
    """Whether a table is given by an address such as ``https://...``, not by a name or a path."""
    return _ADDRESS.match(str(name)) is not None


def is_archive(name: str | Path) -> bool:
    """Whether a table is given by an address, or by the path of an archive."""
    return is_address(name) or str(name).partition(_FRAGMENT)[0].endswith(".tar")


def archived_table(
    name: str | Path, sha256: str | None = None, on_progress: Progress | None = None
) -> Path:
    """The table file of an archive, which is fetched and unpacked if it is not here yet.

    It is unpacked into the folder of data sets, in a folder that the archive's hash names.

    Args:
        name: address or path of the archive; ``#sha256=`` and the hash may stand behind it.
        sha256: hash of the archive; None: the one behind the name. An address needs one.
        on_progress: is told how far a download is.

    Raises:
        TableError: no hash or another one, or an archive that is damaged or holds something else.
        DownloadError: it cannot be fetched, or not be kept.
    """
    from .datasets import data_folder

    source, _, behind = str(name).partition(_FRAGMENT)
    expected = _checked_hash(source, sha256 or behind or None)
    folder = data_folder() / "tables"
    if is_address(source):
        if expected is None:
            raise TableError(
                f"{source} is given without its SHA-256, and nothing is fetched unverified; put "
                "#sha256=HASH behind the address, or give Benchmark.load the argument sha256."
            )
        if (folder / expected / TABLE).is_file():
            return folder / expected / TABLE
        with _held(folder, expected):
            archive = folder / f"{expected}.tar"
            if not archive.exists():
                from .download import download  # what takes a moment to import

                download(source, expected, archive, on_progress)
            table = _unpacked(archive, folder, expected)
            archive.unlink()
            return table
    path = Path(source)
    got = _hash_of(path)
    if expected not in (None, got):
        raise TableError(
            f"{path} has SHA-256 {got}, expected {expected}: it was changed or is another file. "
            "Fetch it again, or ask whoever gave you the hash."
        )
    if (folder / got / TABLE).is_file():
        return folder / got / TABLE
    with _held(folder, got):
        return _unpacked(path, folder, got)


def _checked_hash(source: str, sha256: str | None) -> str | None:
    if sha256 is not None and _HASH.fullmatch(sha256) is None:
        raise TableError(
            f"{sha256!r} is not the SHA-256 of {source}; expected 64 hexadecimal digits, as "
            "'biglittle table pack' prints them."
        )
    return sha256.lower() if sha256 else None


def _hash_of(path: Path) -> str:
    try:
        check_regular(path, MAX_FILE_BYTES)
        return file_hash(path)
    except (OSError, LimitError) as error:
        why = why_unreadable(error, f"{error}.")
        raise TableError(f"{path} cannot be read as an archive of a table: {why}") from error


@contextmanager
def _held(folder: Path, sha256: str) -> Iterator[None]:
    """Holds the place of an archive, and removes what a killed process left half unpacked there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TableError(
            f"the folder {folder} cannot be made ({error.strerror}); set BIGLITTLE_DATA to another."
        ) from error
    with holding(folder / sha256, wait=True):
        for left in folder.glob(f".{sha256}.partial"):
            shutil.rmtree(left)
        yield


# ---- unpacking ---------------------------------------------------------------------------------
def _unpacked(archive: Path, folder: Path, sha256: str) -> Path:
    """Unpacks a whole archive, or nothing; the table's path."""
    target = folder / sha256
    if not (target / TABLE).is_file():
        partial = folder / f".{sha256}.partial"
        try:
            partial.mkdir()
            read_archive(archive, partial)
            os.replace(partial, target)
        except BaseException as error:
            shutil.rmtree(partial, ignore_errors=True)
            if isinstance(error, OSError):
                raise TableError(
                    f"{archive} cannot be unpacked into {folder} ({error.strerror or error}); make "
                    "room or set BIGLITTLE_DATA to another folder."
                ) from error
            raise
    return target / TABLE


def read_archive(path: Path, folder: Path | None = None) -> Contents:
    """What is in an archive, after every byte of it was compared with what its contents say.

    Args:
        path: path of the archive.
        folder: empty folder to unpack into; None compares alone.

    Raises:
        TableError: it is damaged, or a member is not what the contents say; names it.
        OSError: it cannot be read, or the folder not be written to.
    """
    try:
        size = check_regular(path, MAX_FILE_BYTES)
        with path.open("rb") as file:
            return _read(TarStream(file, size), size, folder)
    except (EOFError, ValueError) as error:
        raise TableError(
            f"{path} is not an archive of a table, or is damaged: {error}. Fetch it again."
        ) from error


def _read(stream: TarStream, size: int, folder: Path | None) -> Contents:
    members = headers(stream, MAX_MEMBERS)
    name, kind, n_bytes = next(members, ("", b"", 0))
    if name != CONTENTS or kind not in REGULAR or n_bytes > MAX_CONTENTS:
        raise LimitError(f"its first member is {name!r}, expected {CONTENTS}")
    contents = _parsed(stream.read(n_bytes), size)
    stream.skip(-n_bytes % BLOCK)
    for expected, member in contents.files.items():
        name, kind, n_bytes = next(members, ("", b"", 0))
        if (name, n_bytes) != (expected, member.bytes) or kind not in REGULAR:
            what = "" if kind in (*REGULAR, b"") else ", a link, a folder or a device,"
            raise LimitError(
                f"a member {name!r}{what} of {n_bytes} bytes stands where its contents say "
                f"{expected!r} of {member.bytes} bytes"
            )
        _take(stream, expected, member, folder)
        stream.skip(-n_bytes % BLOCK)
    if (further := next(members, None)) is not None:
        raise LimitError(f"its contents do not name its member {further[0]!r}")
    return contents


def _parsed(content: bytes, size: int) -> Contents:
    """What the contents say, if no name leads elsewhere and the sizes are possible."""
    try:
        contents = parse_json(content, Contents)
    except DocumentError as error:
        raise LimitError(f"{CONTENTS} {error}") from error
    if contents.version != VERSION:
        raise LimitError(
            f"it is of version {contents.version}, and this biglittle reads {VERSION}; install a "
            "newer one"
        )
    lowered = [name.lower() for name in contents.files]
    for name in contents.files:
        if not NAME.fullmatch(name) or name == CONTENTS or lowered.count(name.lower()) > 1:
            raise LimitError(
                f"its contents name {name!r}; expected a file in it, or in a folder in it, once"
            )
    if sum(member.bytes for member in contents.files.values()) > size:
        raise LimitError(f"its contents say more than its {size} bytes")
    if not {TABLE, MANIFEST} <= set(contents.files):
        raise LimitError(f"its contents lack {TABLE} or {MANIFEST}")
    return contents


def _take(stream: TarStream, name: str, member: Member, folder: Path | None) -> None:
    digest = hashlib.sha256()
    if folder is None:
        for part in stream.parts(member.bytes):
            digest.update(part)
    else:
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        with target.open("xb") as file:
            for part in stream.parts(member.bytes):
                digest.update(part)
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
    if digest.hexdigest() != member.sha256:
        raise LimitError(f"its member {name!r} has another SHA-256 than its contents say")
