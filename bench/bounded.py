"""Reads files that others made: never more of one than is expected, and no pipes or devices."""

from __future__ import annotations

import os
import stat
from pathlib import Path

#: Larger documents are refused unread: a device profile of 200,000 networks takes some 50 MiB.
MAX_BYTES = 64 * 2**20


class LimitError(ValueError):
    """A file that is larger than it may be, or that is not a regular file."""


def check_regular(path: Path, limit: int) -> int:
    """The size of a regular file in bytes.

    Args:
        path: a file that others may have made.
        limit: the most bytes that it may have.

    Raises:
        LimitError: it is larger, or it is a folder, a pipe or a device, which could be endless.
        OSError: there is no such file.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise LimitError("it is a folder, a pipe or a device; expected a regular file")
    if status.st_size > limit:
        raise LimitError(
            f"it has {_size(status.st_size)} and was not read; expected at most {_size(limit)}"
        )
    return status.st_size


def read_bounded(path: Path, limit: int) -> bytes:
    """All bytes of a regular file.

    Args:
        path: a file that others may have made.
        limit: the most bytes that it may have.

    Raises:
        LimitError: it is larger or not a regular file.
        OSError: it cannot be read.
    """
    check_regular(path, limit)
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise LimitError(f"it grew beyond {_size(limit)} while it was read")
    return content


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 2**20:,.0f} MiB" if n_bytes >= 2**20 else f"{n_bytes} bytes"
