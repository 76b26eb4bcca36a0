"""Reads files that others made: never more of one than is expected, and no pipes or devices."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any


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
        raise LimitError(f"it has {status.st_size} bytes; expected at most {limit}")
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
        raise LimitError(f"it grew beyond {limit} bytes while it was read")
    return content


def json_of(text: str | bytes, kind: type, what: str) -> Any:
    """What a JSON text holds.

    Args:
        text: JSON that others may have written.
        kind: type that it has to be of.
        what: name of the text, for the message.

    Raises:
        ValueError: it is not JSON, nested too deep, or of another type.
    """
    try:
        value = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{what} is missing or is not JSON") from error
    if not isinstance(value, kind):
        raise ValueError(f"{what} is {type(value).__name__}, expected {kind.__name__}")
    return value
