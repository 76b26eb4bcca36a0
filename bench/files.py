"""Files: whole or not there, what identifies one, and why one could not be read."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import platform
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .errors import BigLittleError

_IN_USE = {errno.EAGAIN, errno.EBUSY, errno.EDEADLK, errno.ENOLCK, errno.ETXTBSY}
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_ABSENT = {errno.ENOENT, errno.ENOTDIR}
_TOO_MANY = {errno.EMFILE, errno.ENFILE}
#: HDF5 says so, without a number, of a file that a writer holds open or left open when killed.
_OPEN_ELSEWHERE = "already open"
PARTIAL = ".partial"  # ends the name of what is being written
_count = itertools.count()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``, which takes its place when the block ends without error.

    The contents are on the disk before the name is, since boards lose power. After an error nothing
    is left of them; what a killed process left goes when the same file is written again. Every
    process has temporary names of its own.

    Args:
        path: path of the file to make or to replace; what was there stays until then.
    """
    _remove_orphans(path)
    partial = path.with_name(f".{path.name}.{_owner()}-{next(_count)}{PARTIAL}")
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _owner() -> str:
    """This process, on this machine: a folder may be shared by many."""
    return f"{platform.node()[:32]}-{os.getpid()}"


def _remove_orphans(path: Path) -> None:
    """Removes what processes of this machine left of ``path`` that are there no longer."""
    if os.name != "posix":
        return
    ours = re.compile(re.escape(f".{path.name}.{platform.node()[:32]}-") + r"(\d+)-\d+" + PARTIAL)
    with contextlib.suppress(OSError):
        for name in os.listdir(path.parent):
            left = ours.fullmatch(name)
            if left is not None and not is_running(int(left[1])):
                path.with_name(name).unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Whether this machine has a process of that number."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """Puts the names in a folder on the disk, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_together(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Writes files into a folder; where one of them cannot be written, none takes its place.

    Args:
        folder: folder of the files, which is there.
        contents: contents of each file by its name.
    """
    with contextlib.ExitStack() as stack:
        for name, content in contents.items():
            stack.enter_context(replacing(folder / name)).write_bytes(content)


def write_or_rescue(
    write: Callable[[Path], object], folder: Path
) -> tuple[Path, BigLittleError | None]:
    """The folder that results were written into: the one wanted, or else a new temporary one.

    A disk that ran full, or went away, while the work was done is not to cost its result.

    Args:
        write: writes the results into a folder.
        folder: folder that is wanted.

    Returns:
        The folder that has them, and the error to end with where it is another one.

    Raises:
        BigLittleError: they could be written into neither.
    """
    try:
        write(folder)
        return folder, None
    except (OSError, BigLittleError) as error:
        rescue = Path(tempfile.mkdtemp(prefix="biglittle-"))
        write(rescue)
        text = str(error).rstrip(".")
        return rescue, BigLittleError(f"{text}. The results were written to {rescue} instead.")


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def writable_place(output: Path, is_folder: bool, option: str = "--out") -> Iterator[None]:
    """Fails before work begins, and not after it, where its result could not be written.

    Folders that it had to make are removed after the block where nothing was written into them.

    Args:
        output: file or folder that is to be written or replaced in the block.
        is_folder: whether it is a folder.
        option: option that names another place, for messages.

    Raises:
        BigLittleError: it cannot be written to, or is not what it is to be.
    """
    folder = output if is_folder else output.parent
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    try:
        check_writable(folder, *([] if is_folder else [output.name]), option=option)
        yield
    finally:
        with contextlib.suppress(OSError):  # there is something in it, or it was not made
            for made in missing:
                made.rmdir()


def check_writable(folder: Path, *names: str, option: str = "--out") -> None:
    """Fails before work begins, and not after it, where its results could not be written.

    Args:
        folder: where results are to go; it is made if it is not there.
        names: files in it that are to be written or replaced.
        option: option that names another place, for messages.

    Raises:
        BigLittleError: the folder cannot be written to, or a folder is in the place of a file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        for path in (folder / name for name in names):
            if path.exists() and not path.is_file():
                what = "a folder" if path.is_dir() else "not a file"
                raise BigLittleError(
                    f"{path} is {what}, so that nothing can be written in its place; choose "
                    f"another with {option}, or move it away."
                )
    except OSError as error:
        raise BigLittleError(
            f"the output folder {folder} cannot be written to ({error.strerror}); choose another "
            f"with {option}."
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
