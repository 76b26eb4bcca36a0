"""Files: whole or not there, what identifies one, and why one could not be read."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import BigLittleError

_IN_USE = {errno.EAGAIN, errno.EBUSY, errno.EDEADLK, errno.ENOLCK, errno.ETXTBSY}
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_ABSENT = {errno.ENOENT, errno.ENOTDIR}
_TOO_MANY = {errno.EMFILE, errno.ENFILE}
#: HDF5 says so, without a number, of a file that a writer holds open or left open when killed.
_OPEN_ELSEWHERE = "already open"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``, which takes its place when the block ends without error.

    After an error nothing of it is left, unless it is another program that writes there.

    Args:
        path: the file to make or to replace; what was there stays until then.

    Raises:
        BigLittleError: another program is writing the same file.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        yield partial
        os.replace(partial, path)
    except BaseException as error:
        if _is_in_use(error):
            raise BigLittleError(
                f"{path} cannot be written: another program is writing {partial.name} ({error}). "
                "Wait until it has finished, or write to another place."
            ) from error
        partial.unlink(missing_ok=True)
        raise


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check_writable(folder: Path, *names: str) -> None:
    """Fails before work begins, and not after it, where its results could not be written.

    Args:
        folder: where results are to go; it is made if it is not there.
        names: files in it that are to be written or replaced.

    Raises:
        BigLittleError: the folder cannot be written to, or a folder is in the place of a file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        for path in (folder / name for name in names):
            if path.exists() and not path.is_file():
                raise BigLittleError(
                    f"{path} is not a file, so that nothing can be written in its place; choose "
                    "another folder with --out, or move it away."
                )
    except OSError as error:
        raise BigLittleError(
            f"the output folder {folder} cannot be written to ({error.strerror}); choose another "
            "with --out."
        ) from error


def why_unreadable(error: BaseException, damaged: str) -> str:
    """A sentence on why a file could not be read: what the system said of it, else ``damaged``.

    A file that is locked, on a disk that fails or not there is not a damaged one, and whoever is
    told to remove it or to fetch it again loses what it holds. So no advice given here does harm.

    Args:
        error: exception that reading it raised. Readers say of damaged contents ``ValueError``,
            ``KeyError`` and the like, or an ``OSError`` without a number.
        damaged: text for damaged contents, a sentence with its advice; small first letter, full
            stop.
    """
    number = _number(error)
    if isinstance(error, OSError) and _OPEN_ELSEWHERE in str(error):
        return (
            f"it is marked as being written by another program ({error}). It was left as it is: "
            "wait until that has finished; if it was killed, bring another copy of the file."
        )
    if _is_in_use(error):
        return (
            f"another program has it open, or its folder allows no locks ({error}). It was left as "
            "it is: wait until the other has finished; on a network folder without locks, set "
            "HDF5_USE_FILE_LOCKING=FALSE."
        )
    if number is None:
        return damaged
    reason = os.strerror(number)
    if number in _ABSENT:
        return f"there is no such file ({reason}); check the path."
    if number == errno.EISDIR:
        return "it is a folder; name the file in it."
    if number in _FORBIDDEN:
        return f"you may not read it ({reason}); ask its owner for leave to, or for a copy."
    if number in _TOO_MANY:
        return f"too many files are open ({reason}); close some, or raise the limit: ulimit -n."
    return (
        f"the system could not read it ({reason}). That says nothing about what it holds: see to "
        "the disk or the network, then run the same command again."
    )


def _number(error: BaseException) -> int | None:
    """The system's number of an error; None if it is not the system's."""
    if not isinstance(error, OSError):
        return None
    if error.errno:
        return error.errno
    in_text = re.search(r"errno = (\d+),", str(error))  # some HDF5 calls tell it only so
    return int(in_text[1]) or None if in_text else None


def _is_in_use(error: BaseException) -> bool:
    if not isinstance(error, OSError):
        return False
    return (
        _number(error) in _IN_USE or "unable to lock" in str(error) or _OPEN_ELSEWHERE in str(error)
    )
