"""One writer at a time for every output; the second one is told who writes there, and since when.

A lock is a file beside an output (``.NAME.lock``), or in it where it is a folder (``.lock``), which
the system holds for a process and frees however the process ends. It says who holds it, and is
removed when it is free. On a board without ``filelock`` nothing is held.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shlex
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from .documents import Line, read_json
from .errors import BigLittleError, InUseError
from .plain_text import plain

LOCK = ".lock"
_MOST_READ = 8192  # bytes of what a holder says of itself
_held: set[tuple[Path, int]] = set()  # lock files, each with the thread that holds it


def _ignore(line: str) -> None:
    pass


@contextmanager
def holding(
    output: Path | None, wait: bool = False, say: Callable[[str], object] = _ignore
) -> Iterator[None]:
    """Holds an output for this thread while the block runs; what it holds already it holds on to.

    Args:
        output: file to be written, whose folder is there; or a folder that is there. None holds
            nothing.
        wait: whether to wait until another process has let go of it.
        say: is told a line before it waits.

    Raises:
        InUseError: another process writes there, and this one is not to wait.
        BigLittleError: no lock can be made there.
    """
    if output is None:
        yield
        return
    output = output.resolve()
    file = output / LOCK if output.is_dir() else output.with_name(f".{output.name}{LOCK}")
    with _holding_file(file, output, wait, say):
        yield


@contextmanager
def holding_share(
    folder: Path,
    part: int,
    parts: int,
    wait: bool = False,
    say: Callable[[str], object] = _ignore,
) -> Iterator[None]:
    """Holds one of several shares of a folder's work, which processes may do at the same time.

    The whole is one share of one. It excludes all others, and each of them excludes it and itself.

    Args:
        folder: folder of the work, which is there.
        part: number of the share, from 0.
        parts: number of shares that the work is divided into.
        wait: whether to wait until other processes have let go of it.
        say: is told a line before it waits.

    Raises:
        InUseError: another process does the same share or the whole, and this one is not to wait.
        BigLittleError: no lock can be made there.
    """
    folder = folder.resolve()
    with contextlib.ExitStack() as stack:
        with contextlib.ExitStack() as entry:
            # Shares come in one at a time, so that none slips past one that takes the whole.
            entry.enter_context(_holding_file(folder / LOCK, folder, wait, say, patience_s=2))
            shares = [folder / f".share-{part}-of-{parts}{LOCK}"]
            if parts == 1:
                shares = sorted(folder.glob(f".share-*{LOCK}"))
                stack.push(entry.pop_all())
            for share in shares:
                stack.enter_context(_holding_file(share, folder, wait, say))
        yield


@contextmanager
def _holding_file(
    file: Path,
    output: Path,
    wait: bool,
    say: Callable[[str], object],
    patience_s: float = 0.0,
) -> Iterator[None]:
    try:
        from filelock import FileLock, SoftFileLock, Timeout
    except ModuleNotFoundError:  # a board, which has what measuring needs and no more
        yield
        return
    held = (file, threading.get_ident())
    if held in _held:
        yield
        return
    lock = FileLock(file, thread_local=False)
    try:
        lock.acquire(timeout=patience_s)
    except Timeout:
        if not wait:
            raise InUseError(
                f"{output} is in use: {_holder(file)}. Wait until that has ended, add --wait, or "
                "write to another place."
            ) from None
        say(f"{output} is in use: {_holder(file)}; waiting until that has ended")
        lock.acquire(poll_interval=0.2)
    except OSError as error:
        raise BigLittleError(
            f"{output} cannot be held for writing ({error.strerror or error}); choose another "
            "place."
        ) from error
    _held.add(held)
    alone = not isinstance(lock, SoftFileLock)  # that one writes and removes its file itself
    try:
        if alone:
            file.write_text(_of_this_process(), encoding="utf-8")
        yield
    finally:
        _held.discard(held)
        if alone:
            with contextlib.suppress(OSError):  # a system may refuse while it is open
                file.unlink()
        lock.release()


class _Holder(Struct):
    """What a lock file says of the process that holds it."""

    process: int
    machine: Line
    since: Line
    command: Line


def _of_this_process() -> str:
    program = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"
    command = shlex.join(["biglittle" if program == "__main__.py" else program, *sys.argv[1:]])
    facts = {
        "process": os.getpid(),
        "machine": platform.node() or "this machine",
        "since": datetime.now(UTC).isoformat(sep=" ", timespec="seconds"),
        "command": plain(command)[:400],
    }
    return json.dumps(facts) + "\n"


def _holder(file: Path) -> str:
    """Who holds a lock, as far as its file says."""
    try:
        holder = read_json(file, _Holder, _MOST_READ)
    except (OSError, ValueError):  # just being written, or not by us
        return "another process writes there"
    return (
        f"process {holder.process} on {plain(holder.machine)} writes there since "
        f"{plain(holder.since)} ({plain(holder.command)})"
    )
