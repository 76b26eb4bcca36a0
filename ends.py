"""How a run ends otherwise than by its end: one line on stderr, and an exit code.

Faults of our own are not hidden: whatever no user can cause keeps its traceback.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: What the system says of a place that a user named.
_PLACE = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR),
    *(errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTEMPTY),
)


#: PyTorch tells too little memory by its text.
_NO_MEMORY = re.compile("can't allocate memory|out of memory|Storage size calculation overflowed")


def end_of(error: BaseException) -> tuple[int, str]:
    """Exit code and line of a run that ended with an error; "" where something else said it all.

    Raises:
        BaseException: the error itself, where a user cannot have caused it.
    """
    cause = _cause(error)
    if isinstance(cause, KeyboardInterrupt):
        from .bench.signals import exit_code_of, word_of

        return exit_code_of(cause), f"{word_of(cause)}; {_kept()}"
    if isinstance(cause, OSError) and cause.errno == errno.EPIPE:
        _print_nowhere()
        return 1, "error: whatever read the output has ended; nothing more was printed"
    if isinstance(cause, Exception):
        line = _line_of(cause)
        if line is not None:
            from .bench.plain_text import plain

            return 1, f"error: {plain(line, lines=True)}"
    raise error


def _cause(error: BaseException) -> BaseException:
    """What ended a run: Typer ends by ``SystemExit`` after an interrupt or a closed pipe."""
    if isinstance(error, SystemExit):
        context = error.__context__
        for inner in (context, context and context.__cause__):
            if isinstance(inner, KeyboardInterrupt | BrokenPipeError):
                return inner
    return error


def _kept() -> str:
    """What a run that was stopped leaves, and how to go on."""
    from .output_option import kept_places

    places = [str(place) for place in kept_places if _holds_something(place)]
    if not places:
        return "nothing was written"
    return (
        f"what was finished is in {' and '.join(places)}, and the same command goes on from there"
    )


def _holds_something(place: Path) -> bool:
    try:
        return place.is_file() or any(not p.name.startswith(".") for p in place.iterdir())
    except OSError:
        return False


def _line_of(error: Exception) -> str | None:
    """What a user is told of an error; None where it is a fault of our own."""
    # Late, because it brings numpy, which --help can do without.
    from .bench.errors import EXTRA_OF, BigLittleError, MissingExtraError

    module = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
    if module in EXTRA_OF:
        error = MissingExtraError(module, EXTRA_OF[module], "this command")
    if isinstance(error, BigLittleError):
        return str(error)
    if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
        what = str(error).strip().splitlines()[:1]
        return f"there is not enough memory ({''.join(what)[:200]}); ask for less at once."
    if not isinstance(error, OSError):
        return None
    if is_full(error):
        return (
            f"no space left on the disk ({error}); free some, or name another folder, and run the "
            "same command again. What was finished before is kept."
        )
    if error.errno in _PLACE and error.filename is not None:
        return f"{error.filename} cannot be used ({error.strerror}); name another place."
    return None


def is_full(error: OSError) -> bool:
    """Whether a disk ran full; HDF5 and others tell only by their text."""
    return error.errno in _FULL or any(f"errno = {e}," in str(error) for e in _FULL)


def _print_nowhere() -> None:
    """Lets what is still to be printed go nowhere, so that the interpreter ends without a word."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.__stdout__.fileno())  # type: ignore[union-attr]
        os.close(nowhere)
